// One load of one server: how many requests it answered, and what each of them cost.

import type { LoadOrder } from './load.ts'
import { cpuBetween, postgresCpu } from './postgres-cpu.ts'
import type { Generator, Server } from './processes.ts'

/** CPU in microseconds per request. */
export interface Measured {
  readonly perSecond: number
  readonly nodeCpu: number
  /** Undefined where the kernel does not tell. */
  readonly postgresCpu: number | undefined
  /** Part of one core that the load generator took, 0 to 1. */
  readonly generatorLoad: number
}

export interface Times {
  readonly measureMs: number
  /** Before each measurement. */
  readonly warmUpMs: number
}

export interface LoadedServer {
  /** For messages. */
  readonly name: string
  readonly server: Pick<Server, 'port' | 'ask'>
  readonly generator: Generator
  readonly dataDirectory: string
}

/** @throws Error when the server answers anything but 2xx */
export async function measureLoad(
  { name, server, generator, dataDirectory }: LoadedServer,
  order: Pick<LoadOrder, 'workload' | 'connections'>,
  { measureMs, warmUpMs }: Times,
): Promise<Measured> {
  const load = async (milliseconds: number) => {
    const report = await generator.load({ port: server.port, ...order, milliseconds })
    if (report.failure !== undefined) throw new Error(`${name} failed: ${report.failure}`)
    return report
  }
  const cpu = async () => ({ node: (await server.ask('usage')).cpuMicroseconds, postgres: postgresCpu(dataDirectory) })
  await load(warmUpMs)
  const before = await cpu()
  const { requests, seconds, cpuMicroseconds } = await load(measureMs)
  const after = await cpu()
  const postgres = cpuBetween(before.postgres, after.postgres)
  return {
    perSecond: requests / seconds,
    nodeCpu: (after.node - before.node) / requests,
    postgresCpu: postgres === undefined ? undefined : postgres / requests,
    generatorLoad: cpuMicroseconds / 1_000_000 / seconds,
  }
}
