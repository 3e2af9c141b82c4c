// Measures in rounds: in each the servers take turns workload by workload, so that what else the machine does hits all of them.

import { forgetCreated } from './data.ts'
import { type Measured, measureLoad, type Times } from './measure-load.ts'
import type { Generator, Server, ServerName } from './processes.ts'
import type { WorkloadName } from './workloads.ts'

export interface RoundOptions extends Times {
  readonly rounds: number
  readonly workloads: readonly WorkloadName[]
  readonly connections: number
}

/** One server, one workload, one round. */
export interface Sample extends Measured {
  readonly server: ServerName
  readonly workload: WorkloadName
  readonly round: number
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

async function measure(
  { generator, dataDirectory }: Bed,
  server: Server,
  workload: WorkloadName,
  round: number,
  options: RoundOptions,
): Promise<Sample> {
  const { name } = server
  const loaded = { name: `${name} at ${workload}`, server, generator, dataDirectory }
  return { server: name, workload, round, ...(await measureLoad(loaded, { workload, connections: options.connections }, options)) }
}
