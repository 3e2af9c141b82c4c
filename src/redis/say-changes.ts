// Says once when a server is not used any more, once when the reason is another, and once when it is used again.

import type { Logger } from '../core/log.ts'
import type { RedisFailure, RedisUnavailable } from './redis.ts'
import type { TopologyEvents } from './topology.ts'

export function sayChanges(log: Logger): Pick<TopologyEvents, 'onChange' | 'onGone'> {
  const said = new Map<string, string>()
  return {
    onChange(name, problem, redis) {
      const before = said.get(name)
      const now = problem === undefined ? undefined : kindOf(problem)
      if (before === now) return
      if (problem === undefined || now === undefined) {
        said.delete(name)
        log.info({ redis }, 'Redis is used again')
      } else {
        said.set(name, now)
        log.warn({ redis, reason: problem.reason }, `Redis is not used: ${problem.message}`)
      }
    },
    onGone(name) {
      if (said.delete(name)) log.info({ redis: name }, 'Redis is not asked any more: others have what it had')
    },
  }
}

/** Of a server that is full nothing changes but its answers to changes; so it is said when there is one, at most once in this time. */
const fullMs = 60_000

/** @returns to be called with the reason of each command that was not done */
export function sayFull(log: Logger): (reason: RedisFailure) => void {
  let saidAt = -Infinity
  return (reason) => {
    if (reason !== 'full' || performance.now() - saidAt < fullMs) return
    saidAt = performance.now()
    log.warn({ reason }, 'Redis takes no changes: it is full, or its disk is')
  }
}

/** A killed server is `closed` at first and refused afterwards, a frozen one silent to commands and then to attempts: that is no news. */
function kindOf({ reason, message }: RedisUnavailable): string {
  if (reason === 'closed' || reason === 'timeout' || reason === 'offline') return 'away'
  return `${reason} ${/^\S*/.exec(message)?.[0] ?? ''}`
}
