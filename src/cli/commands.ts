// Every command, in the order `plinth --help` shows them.

import type { Command } from 'commander'
import { addCache } from './commands/cache.ts'
import { addCan } from './commands/can.ts'
import { addDb } from './commands/db.ts'
import { addDev } from './commands/dev.ts'
import { addGenerate } from './commands/generate.ts'
import { addKeys } from './commands/keys.ts'
import { addOpenapi } from './commands/openapi.ts'
import { addRoutes } from './commands/routes.ts'
import { addShell } from './commands/shell.ts'
import { addStart } from './commands/start.ts'
import { addUsers } from './commands/users.ts'

export const commands: readonly ((program: Command) => void)[] = [
  addDev,
  addStart,
  addDb,
  addCache,
  addGenerate,
  addRoutes,
  addCan,
  addUsers,
  addKeys,
  addOpenapi,
  addShell,
]
