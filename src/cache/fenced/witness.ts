// Asks the Redis servers who they are. A permission is worth something only together with that: an epoch is bound to the processes
// that have its marks.

import type { Redis } from '../../redis/redis.ts'
import { markKey } from './keys.ts'
import { witnessScript } from './scripts/witness.ts'
import { markMs } from './timing.ts'

/** What one server says of itself. */
export interface Witness {
  readonly runId: string
  /** Names process and data: `<run_id>/<replication id>`. */
  readonly server: string
  readonly hasMark: boolean
  /** Why it cannot keep locks; undefined when it can. */
  readonly unfit: string | undefined
}

/** Buckets of an epoch in a cluster: enough for a row's load to spread over its masters. */
const bucketsInCluster = 16

/** @throws RedisUnavailable */
export async function bucketsOf(redis: Redis): Promise<number> {
  const masters = await redis.info()
  return masters.length > 1 ? bucketsInCluster : 1
}

/**
 * Asks the server of each bucket.
 *
 * @param mark  `look`, or `set` it for a while, `renew` the one that is there for as long, or `keep` that
 * @throws      RedisUnavailable
 */
export function witnesses(redis: Redis, epoch: string, buckets: number, mark: 'look' | 'set' | 'renew' | 'keep'): Promise<Witness[]> {
  return Promise.all(Array.from({ length: buckets }, (_, bucket) => witness(redis, markKey(epoch, bucket), mark)))
}

async function witness(redis: Redis, key: string, what: string): Promise<Witness> {
  const [runId = '', replication = '', role = '', policy = '', mark] = replyOf(
    await redis.run(witnessScript, [key], [what, String(markMs)]),
  )
  const unfit =
    role !== 'master'
      ? 'it is a replica'
      : policy.startsWith('allkeys')
        ? `its maxmemory-policy is ${policy}, which evicts locks`
        : undefined
  return { runId, server: `${runId}/${replication}`, hasMark: mark === '1', unfit }
}

function replyOf(reply: unknown): string[] {
  return Array.isArray(reply) ? reply.map(String) : []
}
