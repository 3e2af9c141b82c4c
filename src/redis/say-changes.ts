// Says once when a server is not used any more, once when the reason is another, and once when it is used again.

import type { Logger } from '../core/log.ts'
import type { RedisUnavailable } from './redis.ts'
import type { TopologyEvents } from './topology.ts'

export function sayChanges(log: Logger): TopologyEvents['onChange'] {
  const said = new Map<string, string>()
  return (server, problem) => {
    const before = said.get(server)
    if (problem === undefined) {
      said.delete(server)
      if (before !== undefined) log.info({ redis: server }, 'Redis is used again')
      return
    }
    const now = kindOf(problem)
    said.set(server, now)
    if (before !== now) log.warn({ redis: server, reason: problem.reason }, `Redis is not used: ${problem.message}`)
  }
}

/** A killed server is `closed` at first and refused afterwards, a frozen one silent to commands and then to attempts: that is no news. */
function kindOf({ reason, message }: RedisUnavailable): string {
  if (reason === 'closed' || reason === 'timeout' || reason === 'offline') return 'away'
  return `${reason} ${/^\S*/.exec(message)?.[0] ?? ''}`
}
