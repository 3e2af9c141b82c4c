// What every server under test is given on its command line, and what it tells the bench about itself through IPC.

import type { Server } from 'node:http'

export interface Usage {
  readonly cpuMicroseconds: number
  readonly heapBytes: number
  readonly residentBytes: number
}

/** `collect` makes the garbage collector run first. */
export type Question = 'usage' | 'collect'

/** Most connections to PostgreSQL; what Plinth's pool has by default. */
export const poolSize = 10

export const pageSize = 50

export interface Settings {
  readonly databaseUrl: string
  readonly port: number
  /** For what the server writes. */
  readonly folder: string
}

export function settings(): Settings {
  const [databaseUrl = '', port = '0', folder = ''] = process.argv.slice(2)
  return { databaseUrl, port: Number(port), folder }
}

/** Says that requests can come, and from then on answers questions. */
export function ready(): void {
  process.on('message', (question: Question) => {
    if (question === 'collect') globalThis.gc?.()
    process.send?.(usage())
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.('ready')
}

/** Listens on the port that was asked for, then `ready`. */
export function listen(server: Pick<Server, 'listen'>): void {
  server.listen(settings().port, '127.0.0.1', ready)
}

function usage(): Usage {
  const { user, system } = process.cpuUsage()
  const { heapUsed, rss } = process.memoryUsage()
  return { cpuMicroseconds: user + system, heapBytes: heapUsed, residentBytes: rss }
}

/** Offset of the page a query asks for; the pages have 50 rows. Undefined when it is no page number. */
export function offsetOf(page: unknown): number | undefined {
  const number = page === undefined ? 1 : Number(page)
  return Number.isSafeInteger(number) && number >= 1 ? (number - 1) * pageSize : undefined
}
