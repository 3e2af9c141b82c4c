// Puts a Redis together from its address: servers, subscriptions, what is counted and what is logged.

import type { RedisConfig } from '../core/config.ts'
import type { Logger } from '../core/log.ts'
import type { Metrics } from '../core/metrics.ts'
import { parseRedisUrl } from '../core/redis-url.ts'
import { Cluster } from './cluster.ts'
import { Deadlines } from './deadlines.ts'
import type { CircuitState } from './link.ts'
import { OneServer } from './one-server.ts'
import { type Redis, RedisUnavailable } from './redis.ts'
import { RemoteRedis } from './remote-redis.ts'
import { sayChanges, sayFull } from './say-changes.ts'
import { Subscriber } from './subscriber.ts'
import type { Topology, TopologyEvents } from './topology.ts'

/**
 * Connects in the background and never throws for what Redis does or is.
 *
 * @param application  name of the application; keys and channels begin with `plinth:<application>:`
 */
export function createRedis({ url, budgetMs }: RedisConfig, application: string, log: Logger, metrics: Metrics): Redis {
  const address = parseRedisUrl(url)
  if (address === undefined) throw new Error('The address of Redis cannot be read; the configuration checks it.')
  const deadlines = new Deadlines(budgetMs)
  const countFailure = metrics.counter('plinth_redis_failures_total', 'Commands that Redis did not do.', 'reason')
  const tellFull = sayFull(log)
  const events: TopologyEvents = {
    ...sayChanges(log),
    onFailure: (reason) => {
      countFailure(reason)
      tellFull(reason)
    },
    onMoved: () => subscriber.drop(new RedisUnavailable('unready', 'another server is the one to listen to')),
  }
  const topology: Topology =
    address.kind === 'cluster' ? new Cluster(address, deadlines, events) : new OneServer(address, deadlines, events)
  const subscriber = new Subscriber((signal) => topology.subscriptionTarget(signal))
  metrics.gauge('plinth_redis_circuit', 'Redis servers by the state of their circuit.', 'state', () => circuits(topology))
  topology.start()
  return new RemoteRedis({
    topology,
    subscriber,
    prefix: `plinth:${application}:`,
    database: address.database,
    countCommand: metrics.counter('plinth_redis_commands_total', 'Commands asked of Redis.', 'command'),
    countFailure: (reason) => countFailure(reason),
    onClose: () => deadlines.close(),
  })
}

function circuits(topology: Topology): Record<CircuitState, number> {
  const counts: Record<CircuitState, number> = { closed: 0, 'half-open': 0, open: 0 }
  for (const { state } of topology.links()) counts[state] += 1
  return counts
}
