// Measures in rounds: in each the servers take turns workload by workload, so that what else the machine does hits all of them.

import { forgetCreated } from './data.ts'
import { cpuBetween, type PostgresCpu, postgresCpu } from './postgres-cpu.ts'
import type { Generator, Server, ServerName } from './processes.ts'
import type { WorkloadName } from './workloads.ts'

export interface RoundOptions {
  readonly rounds: number
  readonly measureMs: number
  /** Before each measurement. */
  readonly warmUpMs: number
  readonly workloads: readonly WorkloadName[]
  readonly connections: number
}

/** One server, one workload, one round; CPU in microseconds per request. */
export interface Sample {
  readonly server: ServerName
  readonly workload: WorkloadName
  readonly round: number
  readonly perSecond: number
  readonly nodeCpu: number
  /** Undefined where the kernel does not tell. */
  readonly postgresCpu: number | undefined
  /** Part of one core that the load generator took, 0 to 1. */
  readonly generatorLoad: number
}

export interface Bed {
  readonly servers: readonly Server[]
  readonly generator: Generator
  readonly databaseUrl: string
  readonly dataDirectory: string
}

/** @throws Error when a server answers anything but 2xx */
export async function measureRounds(bed: Bed, options: RoundOptions, progress: (done: number, total: number) => void): Promise<Sample[]> {
  const samples: Sample[] = []
  const total = options.rounds * options.workloads.length * bed.servers.length
  for (let round = 0; round < options.rounds; round += 1) {
    for (const workload of options.workloads) {
      for (const server of bed.servers) {
        samples.push(await measure(bed, server, workload, round, options))
        if (workload === 'create') await forgetCreated(bed.databaseUrl)
        progress(samples.length, total)
      }
    }
  }
  return samples
}

async function measure(bed: Bed, server: Server, workload: WorkloadName, round: number, options: RoundOptions): Promise<Sample> {
  const { connections, warmUpMs, measureMs } = options
  await load(bed, server, { workload, connections, milliseconds: warmUpMs })
  const before = await cpuNow(bed, server)
  const { requests, seconds, cpuMicroseconds } = await load(bed, server, { workload, connections, milliseconds: measureMs })
  const after = await cpuNow(bed, server)
  const postgres = cpuBetween(before.postgres, after.postgres)
  return {
    server: server.name,
    workload,
    round,
    perSecond: requests / seconds,
    nodeCpu: (after.node - before.node) / requests,
    postgresCpu: postgres === undefined ? undefined : postgres / requests,
    generatorLoad: cpuMicroseconds / 1_000_000 / seconds,
  }
}

type Order = { readonly workload: WorkloadName; readonly connections: number; readonly milliseconds: number }

async function load({ generator }: Bed, { name, port }: Server, order: Order) {
  const report = await generator.load({ ...order, port })
  if (report.failure !== undefined) throw new Error(`${name} failed at ${order.workload}: ${report.failure}`)
  return report
}

async function cpuNow({ dataDirectory }: Bed, server: Server): Promise<{ node: number; postgres: PostgresCpu | undefined }> {
  const { cpuMicroseconds } = await server.ask('usage')
  return { node: cpuMicroseconds, postgres: postgresCpu(dataDirectory) }
}
