// Before anything is measured: do all servers answer the same? Compared are the rows, not how each wraps and writes them.

import { isDeepStrictEqual } from 'node:util'
import type { Server } from './processes.ts'
import { type WorkloadName, workloads } from './workloads.ts'

const variantsCompared = 5

/** @throws Error with the two answers that differ */
export async function checkAgreement(servers: readonly Server[]): Promise<void> {
  for (const workload of Object.keys(workloads) as WorkloadName[]) {
    for (let nth = 0; nth < variantsCompared; nth += 1) await compare(servers, workload, nth)
  }
}

async function compare([first, ...others]: readonly Server[], workload: WorkloadName, nth: number): Promise<void> {
  if (first === undefined) return
  const expected = await rowsOf(first, workload, nth)
  for (const server of others) {
    const found = await rowsOf(server, workload, nth)
    if (!isDeepStrictEqual(found, expected)) throw new Error(disagreement(workload, first, expected, server, found))
  }
}

function disagreement(workload: string, first: Server, expected: unknown, other: Server, found: unknown): string {
  const show = (rows: unknown): string => JSON.stringify(rows).slice(0, 1_500)
  return `${workload} differs.\n${first.name}: ${show(expected)}\n${other.name}: ${show(found)}`
}

async function rowsOf(server: Server, workload: WorkloadName, nth: number): Promise<unknown> {
  const { method, path, body } = workloads[workload].request(nth)
  const json = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, ...json })
  const text = await response.text()
  if (response.status !== (method === 'POST' ? 201 : 200))
    throw new Error(`${server.name} answers ${workload} with ${response.status}: ${text}`)
  const rows = normalise(unwrap(JSON.parse(text)))
  return workload === 'create' ? { ...(rows as object), id: 'new' } : rows
}

/** Plinth's envelope holds the rows in `data`. */
function unwrap(reply: unknown): unknown {
  return typeof reply === 'object' && reply !== null && 'data' in reply ? reply.data : reply
}

const isoTime = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)$/

/** Times as milliseconds, tags by id: nobody has asked for their order. */
function normalise(value: unknown): unknown {
  if (typeof value === 'string') return isoTime.test(value) ? Date.parse(value) : value
  if (Array.isArray(value)) return value.map(normalise)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, normalise(key === 'tags' ? sortById(item) : item)]))
}

function sortById(rows: { readonly id: number }[]): unknown {
  return rows.toSorted((a, b) => a.id - b.id)
}
