// What the database room tells Prometheus.

import type { Metrics } from '../core/metrics.ts'
import type { ReadsHealth } from './database.ts'
import type { PoolCounts } from './pool.ts'

export function measurePool(metrics: Metrics, counts: () => PoolCounts): void {
  metrics.gauge('plinth_db_pool', 'Connections of the pool by state, and callers that wait for one.', 'state', () => {
    const { size, idle, waiting } = counts()
    return { idle, busy: size - idle, waiting }
  })
}

export function measureReads(metrics: Metrics, reads: () => ReadsHealth): void {
  const perReplica = (measure: (replica: ReadsHealth['replicas'][number]) => number): Record<string, number> =>
    Object.fromEntries(reads().replicas.map((replica) => [replica.address, measure(replica)]))
  metrics.counted('plinth_db_reads_total', 'Reads that may be anywhere, by where they went.', 'server', () => ({
    primary: reads().primary,
    ...perReplica((replica) => replica.reads),
  }))
  metrics.gauge('plinth_db_replica_usable', '1 while reads are sent to the replica.', 'server', () =>
    perReplica((replica) => Number(replica.ok)),
  )
  metrics.gauge('plinth_db_replica_lag_seconds', 'How long the primary has been where the replica is not yet.', 'server', () =>
    perReplica((replica) => replica.lagMs / 1_000),
  )
}
