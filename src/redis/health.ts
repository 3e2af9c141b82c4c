// How a server is, found out by using it: one key is written, because a server that is full or has become a replica still answers a PING.

import { performance } from 'node:perf_hooks'
import type { HealthReport } from '../core/module.ts'
import type { Link } from './link.ts'
import type { RedisUnavailable } from './redis.ts'
import type { Topology } from './topology.ts'

/** Long enough for every server of a cluster to be met: each has thousands of the 16384 slots. */
const mostKeys = 10_000

/** Never rejects. */
export async function lookAt(link: Link, topology: Topology, prefix: string): Promise<HealthReport> {
  const { server, connection, problem, state } = link
  if (connection === undefined) return { ok: false, server, circuit: state, reason: problem?.reason, error: problem?.message }
  const startedAt = performance.now()
  try {
    await connection.send(['SET', keyOn(link, topology, prefix), '1', 'PX', '1000'])
    return { ok: true, server, circuit: state, latencyMs: Math.round((performance.now() - startedAt) * 100) / 100 }
  } catch (error) {
    const { reason, message } = error as RedisUnavailable
    return { ok: false, server, circuit: link.state, reason, error: message }
  }
}

/** A key that this server has. */
function keyOn(link: Link, topology: Topology, prefix: string): string {
  for (let number = 0; number < mostKeys; number += 1) {
    const key = `${prefix}health:${number}`
    if (topology.linkOf(key) === link) return key
  }
  return `${prefix}health`
}
