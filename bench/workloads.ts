// The requests. Each comes in a thousand variants, so that no server answers one from memory by chance; those of the cache are made to be.

import { pageSize } from './servers/serve.ts'
import { postsInTable } from './data.ts'

export type WorkloadName = 'get' | 'list' | 'nested' | 'create' | 'health'
/** What the cache is measured with, beside `nested`. */
export type CacheWorkloadName = 'hot' | 'change'
/** What one process and several are compared with: reads that are work for Node. */
export type ProcessWorkloadName = 'near-record' | 'near-list' | 'shaped'

export interface Workload {
  readonly title: string
  /** @param nth  number of the variant, from 0 */
  readonly request: (nth: number) => { readonly method: 'GET' | 'POST' | 'PATCH'; readonly path: string; readonly body?: object }
}

const variants = 1_000
/** Lists are asked for their first pages, as people do. */
const pages = 20

export const workloads: Readonly<Record<WorkloadName, Workload>> = {
  get: {
    title: 'get by key',
    request: (nth) => ({ method: 'GET', path: `/api/posts/${1 + ((nth * 7919) % postsInTable)}` }),
  },
  list: {
    title: `list of ${pageSize} flat rows`,
    request: (nth) => ({ method: 'GET', path: `/api/posts?page[number]=${page(nth)}&page[size]=${pageSize}` }),
  },
  nested: {
    title: `list of ${pageSize} with author and tags`,
    request: (nth) => ({ method: 'GET', path: `/api/posts?page[number]=${page(nth)}&page[size]=${pageSize}&include=author,tags` }),
  },
  create: { title: 'create', request: (nth) => ({ method: 'POST', path: '/api/posts', body: newPost(nth) }) },
  health: { title: 'health', request: () => ({ method: 'GET', path: '/health' }) },
}

/** Records that everybody asks for. */
const hotRecords = 100

export const cacheWorkloads: Readonly<Record<CacheWorkloadName, Workload>> = {
  hot: { title: 'get of a hot record', request: (nth) => ({ method: 'GET', path: `/api/posts/${1 + (nth % hotRecords)}` }) },
  change: {
    title: 'patch',
    request: (nth) => ({
      method: 'PATCH',
      path: `/api/posts/${1 + ((nth * 7919) % postsInTable)}`,
      body: { title: `Changed, number ${nth}` },
    }),
  },
}

export const processWorkloads: Readonly<Record<ProcessWorkloadName, Workload>> = {
  'near-record': { ...cacheWorkloads.hot, title: 'near hit, one record' },
  'near-list': { ...workloads.list, title: `near hit, list of ${pageSize}` },
  shaped: {
    title: `list of ${pageSize} through a \`serialize\` hook`,
    request: (nth) => ({ method: 'GET', path: `/api/authors?page[number]=${page(nth)}&page[size]=${pageSize}` }),
  },
}

function page(nth: number): number {
  return 1 + (nth % pages)
}

function newPost(nth: number): object {
  return {
    author_id: 1 + (nth % 1_000),
    title: `A new post, number ${nth}`,
    body: 'Written while somebody measures how long it takes to be "written".',
    price: (nth * 1.5).toFixed(2),
    published_at: '2025-06-01T12:00:00.500Z',
  }
}

/** The requests of a workload as the bytes that go over the wire. */
export function wireRequests(name: WorkloadName | CacheWorkloadName | ProcessWorkloadName): Buffer[] {
  const workload = { ...workloads, ...cacheWorkloads, ...processWorkloads }[name]
  return Array.from({ length: variants }, (_, nth) => {
    const { method, path, body } = workload.request(nth)
    const head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nUser-Agent: bench\r\n`
    if (body === undefined) return Buffer.from(`${head}\r\n`)
    const json = Buffer.from(JSON.stringify(body))
    return Buffer.concat([Buffer.from(`${head}Content-Type: application/json\r\nContent-Length: ${json.length}\r\n\r\n`), json])
  })
}
