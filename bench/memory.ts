// Does memory grow with the requests? Heap and resident memory after forced collections, and the line through them.

import type { Generator, Server } from './processes.ts'
import { slope } from './statistics.ts'
import type { WorkloadName } from './workloads.ts'

const steps = 5

export interface MemoryPoint {
  readonly requests: number
  readonly heapBytes: number
  readonly residentBytes: number
}

export interface MemoryReport {
  readonly points: readonly MemoryPoint[]
  /** Bytes per request. */
  readonly heapSlope: number
  readonly residentSlope: number
}

/**
 * @param requests  in all, of every workload in turn; as many as one step come before the first point, so that everything is compiled
 */
export async function measureMemory(
  server: Server,
  generator: Generator,
  workloads: readonly WorkloadName[],
  requests: number,
): Promise<MemoryReport> {
  const points: MemoryPoint[] = []
  for (let step = 0; step <= steps; step += 1) {
    for (const workload of workloads) await ask(server, generator, workload, Math.ceil(requests / steps / workloads.length))
    const { heapBytes, residentBytes } = await server.ask('collect')
    points.push({ requests: (step * requests) / steps, heapBytes, residentBytes })
  }
  return {
    points,
    heapSlope: slope(points.map((point) => [point.requests, point.heapBytes])),
    residentSlope: slope(points.map((point) => [point.requests, point.residentBytes])),
  }
}

async function ask(server: Server, generator: Generator, workload: WorkloadName, requests: number): Promise<void> {
  const { failure } = await generator.load({ port: server.port, workload, connections: 32, requests })
  if (failure !== undefined) throw new Error(`${server.name} failed at ${workload}: ${failure}`)
}
