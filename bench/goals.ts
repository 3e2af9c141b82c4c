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

/** How many times better Plinth did than another. */
export interface Advantage {
  /** Requests per second. */
  readonly throughput: number
  /** CPU of the server's process per request. */
  readonly nodeCpu: number
  /** CPU of server and PostgreSQL together per request; of the server alone where PostgreSQL's is unknown. */
  readonly cpu: number
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
    cpu: median(pairs.map(({ plinth, rival }) => allCpu(rival) / allCpu(plinth))),
  }
}

/** Microseconds per request of server and PostgreSQL. */
export function allCpu({ nodeCpu, postgresCpu = 0 }: Sample): number {
  return nodeCpu + postgresCpu
}

export function verdict({ times }: Goal, { throughput, cpu }: Advantage): string {
  const reached = (value: number): boolean => (times === 1 ? value > 1 : value >= times)
  if (reached(throughput) && reached(cpu)) return '**reached**'
  if (reached(cpu)) return 'reached in CPU, **not in requests/s**'
  if (reached(throughput)) return 'reached in requests/s, **not in CPU**'
  return '**not reached**'
}
