// What this process may do with the cache at this moment. A permission is known to hold until `until`, because the state was still
// `enabled` when it was asked for; whoever switches the cache off waits for its end.

import type { RowAddress } from '../read.ts'
import type { FencedFaults } from './faults.ts'
import { rowKey, type RowName, rowName } from './keys.ts'
import { hasOneName } from './row-key.ts'
import type { KeyColumn, Seen, SeenTable } from './state.ts'

/** A table of the application whose rows are fenced. */
export interface FencedTable {
  /** Quoted and schema-qualified. */
  readonly name: string
  /** Columns of the primary key, in the order in which a key's values are given. */
  readonly key: readonly string[]
}

/** A row as an epoch knows it. */
export interface PermittedRow {
  readonly epoch: string
  readonly name: RowName
  readonly redisKey: string
  /** `run_id` of the server that has it. */
  readonly runId: string
}

interface Permit {
  readonly epoch: string
  readonly runIds: readonly string[]
  /** Milliseconds of `performance.now()`. */
  readonly until: number
  readonly tables: ReadonlyMap<string, PermittedTable>
}

interface PermittedTable {
  readonly oid: string
  /** In the order of their names, each with its place in an address. */
  readonly key: readonly { readonly column: KeyColumn; readonly place: number }[]
}

export class Permission {
  readonly #tables: readonly FencedTable[]
  readonly #faults: FencedFaults
  #permit: Permit | undefined

  constructor(tables: readonly FencedTable[], faults: FencedFaults) {
    this.#tables = tables
    this.#faults = faults
  }

  /** The row's name if it may be read from the cache now. */
  rowOf({ table, key }: RowAddress): PermittedRow | undefined {
    const permit = this.#current()
    const known = permit?.tables.get(table)
    if (permit === undefined || known === undefined) return undefined
    const parts = known.key.map(({ place }) => key[place] ?? '')
    if (!known.key.every(({ column }, i) => hasOneName(parts[i] ?? '', column))) return undefined
    const name = rowName(known.oid, parts, permit.runIds.length)
    return { epoch: permit.epoch, name, redisKey: rowKey(permit.epoch, name), runId: permit.runIds[name.bucket] ?? '' }
  }

  /** Whether what was found in this epoch counts, now that its reply is there. */
  stillHolds(epoch: string): boolean {
    return this.#faults.reply === true || this.#current()?.epoch === epoch
  }

  /** The epoch that may be used now, and its number of buckets. */
  epoch(): { readonly epoch: string; readonly buckets: number } | undefined {
    const permit = this.#current()
    return permit === undefined ? undefined : { epoch: permit.epoch, buckets: permit.runIds.length }
  }

  /** @param askedAt  milliseconds of `performance.now()` before the state was asked for */
  grant(seen: Seen, askedAt: number): void {
    if (seen.epoch === undefined) return this.withdraw()
    const tables = seen.tables.flatMap((table) => {
      const permitted = this.#permittedTable(table)
      return permitted === undefined ? [] : [[table.name, permitted] as const]
    })
    const runIds = seen.servers.map(runIdOf)
    this.#permit = { epoch: seen.epoch, runIds, until: askedAt + seen.permissionMs, tables: new Map(tables) }
  }

  withdraw(): void {
    this.#permit = undefined
  }

  #current(): Permit | undefined {
    return this.#permit !== undefined && performance.now() < this.#permit.until ? this.#permit : undefined
  }

  /** Only a table whose key is what the model says, and whose every write is seen. */
  #permittedTable({ name, oid, shape, recorded, key }: SeenTable): PermittedTable | undefined {
    const table = this.#tables.find((other) => other.name === name)
    if (oid === undefined || shape === undefined || shape !== recorded || table === undefined) return undefined
    const placed = key.map((column) => ({ column, place: table.key.indexOf(column.name) }))
    return placed.length === table.key.length && placed.every(({ place }) => place >= 0) ? { oid, key: placed } : undefined
  }
}

/** `<run_id>/<replication id>` → run_id */
export function runIdOf(server: string): string {
  return server.slice(0, server.indexOf('/'))
}
