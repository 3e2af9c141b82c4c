// The goals of the project, as data, and whether a run has reached them.

import type { ServerName } from './processes.ts'
import type { Sample } from './rounds.ts'
import { median } from './statistics.ts'
import type { WorkloadName } from './workloads.ts'

export interface Goal {
  readonly workload: WorkloadName
  readonly than: ServerName
  /** Times as fast as `than`. */
  readonly times: number
}

export const goals: readonly Goal[] = [
  { workload: 'get', than: 'fastify-drizzle', times: 1.5 },
  { workload: 'list', than: 'fastify-drizzle', times: 2 },
  { workload: 'nested', than: 'fastify-drizzle', times: 2.5 },
  { workload: 'get', than: 'node-http', times: 1 },
  { workload: 'list', than: 'node-http', times: 1 },
  { workload: 'nested', than: 'node-http', times: 1 },
]

export const startGoalMs = 400
/** What a hundred thousand requests may leave behind and still count as nothing: 1 MB. */
export const heapGoalBytesPerRequest = 10

export interface Advantage {
  /** Requests per second of Plinth, divided by those of the other. */
  readonly throughput: number
  /** CPU per request of the other's process, divided by that of Plinth's. */
  readonly nodeCpu: number
}

/** Medians over the rounds of what was measured shortly after one another. */
export function advantage(samples: readonly Sample[], workload: WorkloadName, other: ServerName): Advantage {
  const of = (server: ServerName): Sample[] => samples.filter((sample) => sample.workload === workload && sample.server === server)
  const pairs = of('plinth').flatMap((plinth) =>
    of(other)
      .filter(({ round }) => round === plinth.round)
      .map((rival) => ({ plinth, rival })),
  )
  return {
    throughput: median(pairs.map(({ plinth, rival }) => plinth.perSecond / rival.perSecond)),
    nodeCpu: median(pairs.map(({ plinth, rival }) => rival.nodeCpu / plinth.nodeCpu)),
  }
}

export function verdict({ times }: Goal, { throughput, nodeCpu }: Advantage): string {
  const reached = (value: number): boolean => (times === 1 ? value > 1 : value >= times)
  if (reached(throughput) && reached(nodeCpu)) return '**reached**'
  if (reached(nodeCpu)) return 'reached in CPU, **not in requests/s**'
  if (reached(throughput)) return 'reached in requests/s, **not in CPU**'
  return '**not reached**'
}
