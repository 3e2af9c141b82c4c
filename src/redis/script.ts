// Lua scripts, named by the SHA-1 of their text as Redis does.

import { createHash } from 'node:crypto'
import type { Script } from './redis.ts'

/** @example  `const increment = defineScript("return redis.call('incr', KEYS[1])")` */
export function defineScript(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}
