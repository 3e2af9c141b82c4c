// The only file that knows drizzle-kit: models → snapshot, two snapshots → statements. Loaded when first needed (345 ms, 96 MB, a dev dependency).

import { stripVTControlCharacters } from 'node:util'
import { getColumns, is } from 'drizzle-orm'
import { PgSchema, PgTable, getTableConfig, isPgEnum, pgSchema, type PgEnum } from 'drizzle-orm/pg-core'
import { migrateErrors } from './errors.ts'
import { escape, escaped, unescape } from './escape-names.ts'
import { importTool } from './import-tool.ts'
import type { Entity, Snapshot } from './snapshot.ts'
import { keptTracking, noTracking, type Tracking } from './tracking.ts'

type Kit = typeof import('drizzle-kit/api-postgres')
type KitState = Awaited<ReturnType<Kit['generateDrizzleJson']>>
type KitHint = NonNullable<NonNullable<Parameters<Kit['generateMigration']>[2]>['hints']>[number]

/** Everything a module exports, by name; what is not a table, enum, view, sequence, schema, policy or role is ignored. */
export type Models = Readonly<Record<string, unknown>>

/** An answer to "is this new, or was it something else?". Paths are schema, table, name, as long as the kind needs. */
export type Answer =
  | { readonly type: 'create'; readonly kind: string; readonly entity: readonly string[] }
  | { readonly type: 'rename'; readonly kind: string; readonly from: readonly string[]; readonly to: readonly string[] }

/** Something that is new while another thing of its kind is gone. */
export interface Ambiguity {
  readonly kind: string
  readonly entity: readonly string[]
}

export type Difference = { readonly statements: readonly string[] } | { readonly ambiguities: readonly Ambiguity[] }

/**
 * The state that the models describe.
 *
 * @param previous  ids of the snapshots it follows
 * @param tracking  what the cache needs of the tables
 * @throws          MIGRATE_INVALID_MODELS, MIGRATE_TOOL_MISSING
 */
export async function snapshotOf(models: Models, previous: readonly string[] = [], tracking: Tracking = noTracking): Promise<Snapshot> {
  const kit = await loadKit()
  const state = await refuseToExit(() => kit.generateDrizzleJson(completed(models)))
  const ddl = state.ddl as unknown as readonly Entity[] // `Entity` is the part of the kit's type we read
  const plinth = keptTracking(tracking, ddl)
  return { ...state, ...(previous.length === 0 ? {} : { prevIds: previous }), ...(plinth === undefined ? {} : { plinth }), ddl }
}

/** Statements that lead from one state to another, or what has to be answered first. */
export async function difference(from: Snapshot, to: Snapshot, answers: readonly Answer[] = []): Promise<Difference> {
  const kit = await loadKit()
  try {
    return {
      statements: await kit.generateMigration(kitState(from), kitState(to), { hints: answers.map(escapedAnswer) as unknown as KitHint[] }),
    }
  } catch (error) {
    const ambiguities = missingHints(error)
    if (ambiguities === undefined) throw error
    return { ambiguities: ambiguities.map(({ kind, entity }) => ({ kind, entity: entity.map(unescape) })) }
  }
}

function loadKit(): Promise<Kit> {
  return importTool('drizzle-kit', () => import('drizzle-kit/api-postgres'))
}

/**
 * A deep copy, because the kit renames inside what it is given. Every constraint counts as named by the user: otherwise the kit leaves
 * default names as they were when a table or column is renamed, and the database no longer has the names that the models say.
 */
function kitState({ plinth: _ours, ...snapshot }: Snapshot): KitState {
  const ddl = snapshot.ddl.map((entity) => ('nameExplicit' in entity ? { ...entity, nameExplicit: true } : entity))
  return structuredClone({ ...snapshot, ddl: ddl.map(escaped) }) as unknown as KitState
}

function escapedAnswer(answer: Answer): Answer {
  if (answer.type === 'create') return { ...answer, entity: answer.entity.map(escape) }
  return { ...answer, from: answer.from.map(escape), to: answer.to.map(escape) }
}

function missingHints(error: unknown): readonly Ambiguity[] | undefined {
  if (!(error instanceof Error) || !('missingHints' in error)) return undefined
  return error.missingHints as readonly Ambiguity[] // MissingHintsError of rc.5; the class itself is not exported as a value
}

/** The kit sees only what is exported; enums and schemas that only a table knows are added, so that nobody has to export them. */
function completed(models: Models): Record<string, unknown> {
  const values = Object.values(models)
  const tables = values.filter((value): value is PgTable => is(value, PgTable))
  const enums = [...new Set([...values.filter(isPgEnum), ...tables.flatMap(enumsOf)])]
  const names = new Set(values.filter((value): value is PgSchema => is(value, PgSchema)).map((schema) => schema.schemaName))
  const missing = new Set([...tables.map((table) => getTableConfig(table).schema), ...enums.map((type) => type.schema)])
  const schemas = [...missing].flatMap((name) => (name === undefined || name === 'public' || names.has(name) ? [] : [pgSchema(name)]))
  const others = values.filter((value) => !isPgEnum(value))
  return Object.fromEntries([...new Set([...others, ...enums, ...schemas])].map((value, index) => [String(index), value]))
}

function enumsOf(table: PgTable): PgEnum<[string, ...string[]]>[] {
  return Object.values(getColumns(table)).flatMap((column) => ('enum' in column && isPgEnum(column.enum) ? [column.enum] : []))
}

class KitRefusal extends Error {}

let turn: Promise<unknown> = Promise.resolve()

/** On a duplicate name rc.5 prints the reason and calls `process.exit(1)`. Here it becomes an error; one call at a time, because both are global. */
function refuseToExit<result>(work: () => Promise<result>): Promise<result> {
  const next = turn.then(() => withoutExit(work))
  turn = next.catch(() => undefined) // the caller of `next` has the error; the queue only waits
  return next
}

async function withoutExit<result>(work: () => Promise<result>): Promise<result> {
  const { exit } = process
  const { log } = console
  const lines: string[] = []
  // oxlint-disable-next-line no-console -- the kit prints its reason, and only there
  console.log = (...parts: unknown[]) => void lines.push(stripVTControlCharacters(parts.join(' ')).trim())
  process.exit = () => {
    throw new KitRefusal(lines.join('; '))
  }
  try {
    return await work()
  } catch (error) {
    throw error instanceof KitRefusal ? migrateErrors.INVALID_MODELS(error.message) : error
  } finally {
    process.exit = exit
    // oxlint-disable-next-line no-console -- given back
    console.log = log
  }
}
