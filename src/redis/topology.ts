// Which server has which key.

import type { Link } from './link.ts'
import type { RedisFailure, RedisUnavailable } from './redis.ts'
import type { Target } from './wire.ts'

export interface Topology {
  /** The server that has the key (with its prefix); undefined when nobody knows. */
  linkOf(key: string): Link | undefined
  /** Every server that has keys. */
  links(): readonly Link[]
  /** Where to subscribe this time. */
  subscriptionTarget(signal: AbortSignal): Promise<Target>
  /** Resolves when the first attempts to connect are over. */
  readonly tried: Promise<void>
  start(): void
  stop(): void
}

export interface TopologyEvents {
  /** A command was not answered as it should. */
  readonly onFailure: (reason: RedisFailure) => void
  /** Something changed about one of the servers: `problem`, or none any more. `server` is who it is at the moment. */
  readonly onChange: (name: string, problem: RedisUnavailable | undefined, server: string) => void
  /** One is not asked any more. */
  readonly onGone: (name: string) => void
  /** What was subscribed to elsewhere must be subscribed to anew. */
  readonly onMoved: () => void
}
