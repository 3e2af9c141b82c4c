// What the framework needs of the application's own tables: a column and triggers for the cache, a policy for tenants, written into
// migrations like everything else.

import { quoteLiteral, quoteName, quotePath } from './quote.ts'
import { nameMap, type NameMap, type Renaming } from './relocate.ts'
import { dotted, entitiesOf, type Entity } from './snapshot.ts'

/** Names with their schema: `public.items`. A table may be in several lists. */
export interface Tracking {
  /** Every row has its version. */
  readonly versioned: readonly string[]
  /** Every write makes another version of the table. */
  readonly tracked: readonly string[]
  /** Writes past the application are refused while the cache is on. */
  readonly fenced: readonly string[]
  /** The column with the tenant of a row, by table: whoever is held to a tenant reaches the rows of that alone. */
  readonly walled?: Readonly<Record<string, string>>
}

export type TrackingKind = keyof Tracking

export const noTracking: Tracking = { versioned: [], tracked: [], fenced: [] }

/** In this order they are put up; they are taken down the other way round. */
const kinds: readonly TrackingKind[] = ['versioned', 'tracked', 'fenced', 'walled']

/** Note the rows of a fenced table that a transaction touches. PostgreSQL wants a trigger for each event to tell the rows of a statement. */
const recorders = [
  { name: 'plinth_record_insert', event: 'INSERT', rows: 'NEW TABLE AS plinth_new' },
  { name: 'plinth_record_update', event: 'UPDATE', rows: 'OLD TABLE AS plinth_old NEW TABLE AS plinth_new' },
  { name: 'plinth_record_delete', event: 'DELETE', rows: 'OLD TABLE AS plinth_old' },
] as const

type Statements = (table: string, wall: Wall | undefined) => readonly string[]

/** A pulled database may have had a cache before: what is there already is kept. */
const putUp: Readonly<Record<TrackingKind, Statements>> = {
  versioned: (table) => [
    `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS "plinth_version" xid8 DEFAULT pg_current_xact_id() NOT NULL;`,
    `CREATE OR REPLACE TRIGGER "plinth_stamp" BEFORE INSERT OR UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION plinth.stamp();`,
    enableAlways(table, 'plinth_stamp'),
  ],
  tracked: (table) => [
    `CREATE OR REPLACE TRIGGER "plinth_track" AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION plinth.track();`,
    enableAlways(table, 'plinth_track'),
  ],
  // What any permissive policy permits is permitted, also one that is made by hand one day: so the wall restricts, and another opens what it leaves,
  // where no policy made by hand does.
  walled: (table, { column, isOpened } = noWall) => [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY;`,
    `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY;`,
    `DROP POLICY IF EXISTS "plinth_tenant" ON ${table};`,
    `CREATE POLICY "plinth_tenant" ON ${table} AS RESTRICTIVE USING (${heldTo(column)}) WITH CHECK (${heldTo(column)});`,
    `DROP POLICY IF EXISTS "plinth_open" ON ${table};`,
    ...(isOpened ? [] : [`SELECT plinth.open_rows(${quoteLiteral(table)});`]),
  ],
  fenced: (table) => [
    `CREATE OR REPLACE TRIGGER "plinth_guard" BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION plinth.guard();`,
    enableAlways(table, 'plinth_guard'),
    ...recorders.flatMap(({ name, event, rows }) => [
      `CREATE OR REPLACE TRIGGER "${name}" AFTER ${event} ON ${table} REFERENCING ${rows} FOR EACH STATEMENT EXECUTE FUNCTION plinth.record();`,
      enableAlways(table, name),
    ]),
  ],
}

const takeDown: Readonly<Record<TrackingKind, Statements>> = {
  versioned: (table) => [`DROP TRIGGER "plinth_stamp" ON ${table};`, `ALTER TABLE ${table} DROP COLUMN "plinth_version";`],
  tracked: (table) => [`DROP TRIGGER "plinth_track" ON ${table};`],
  fenced: (table) => ['plinth_guard', ...recorders.map(({ name }) => name)].map((name) => `DROP TRIGGER "${name}" ON ${table};`),
  walled: (table, { isOpened, isSecured } = noWall) => [
    ...(isOpened ? [] : [`DROP POLICY IF EXISTS "plinth_open" ON ${table};`]),
    `DROP POLICY "plinth_tenant" ON ${table};`,
    `ALTER TABLE ${table} NO FORCE ROW LEVEL SECURITY;`,
    ...(isSecured ? [] : [disableUnlessHeld(table)]),
  ],
}

/**
 * The tenant is asked for once in a statement, not for each row. PostgreSQL takes a condition on null for one that nearly every row meets, and so plans
 * by what the statement says itself; with `IN` it expected one row in a hundred, and made a new plan each time (a list took 130 us instead of 60).
 */
function heldTo(column: string): string {
  return `CASE (SELECT plinth.tenant()) WHEN '*' THEN true WHEN ${quoteName(column)}::text THEN true END IS NOT NULL`
}

/** Policies made by hand go on holding whom they held. */
function disableUnlessHeld(table: string): string {
  const held = `EXISTS (SELECT FROM pg_policy WHERE polrelid = ${quoteLiteral(table)}::regclass)`
  return `DO $plinth$ BEGIN IF NOT ${held} THEN ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY; END IF; END $plinth$;`
}

/** So that they also fire for what comes with `session_replication_role = replica`: restores, some tools that move data. */
function enableAlways(table: string, trigger: string): string {
  return `ALTER TABLE ${table} ENABLE ALWAYS TRIGGER "${trigger}";`
}

/** One thing that a table has to get or to lose. */
export interface TrackingStep {
  readonly kind: TrackingKind
  readonly schema: string
  readonly name: string
  readonly wall?: Wall | undefined
}

interface Wall {
  readonly column: string
  /** PostgreSQL changes no type under a policy: then it is taken down and put up again. */
  readonly type: string
  /** By the models, with policies of their own or without: then row-level security stays when the wall goes. */
  readonly isSecured: boolean
  /** Some of them permit, and say what is open. */
  readonly isOpened: boolean
}

const noWall: Wall = { column: '', type: '', isSecured: false, isOpened: false }

/** A state that tracking is compared in. */
interface State {
  readonly ddl: readonly Entity[]
  readonly plinth?: Tracking
}

export interface TrackingChange {
  /** In the old names; tables that go altogether are not listed. */
  readonly lost: readonly TrackingStep[]
  /** In the new names. */
  readonly gained: readonly TrackingStep[]
}

export function trackingChange(from: State, to: State, renamings: readonly Renaming[] = []): TrackingChange {
  const names = nameMap(renamings)
  const renamed = (step: TrackingStep): TrackingStep => renamedStep(step, names)
  const [before, after] = [stepsOf(from), stepsOf(to)]
  const [had, has] = [new Set(before.map((step) => textOf(renamed(step)))), new Set(after.map(textOf))]
  const stays = new Set(entitiesOf(to.ddl, 'tables').map(pathOf))
  return {
    lost: before.filter((step) => stays.has(pathOf(renamed(step))) && !has.has(textOf(renamed(step)))).toReversed(),
    gained: after.filter((step) => !had.has(textOf(step))),
  }
}

/** PostgreSQL follows a renamed column in a policy by itself. */
function renamedStep(step: TrackingStep, names: NameMap): TrackingStep {
  const [schema, name] = names.object('table', step.schema, step.name)
  const { wall } = step
  return { ...step, schema, name, wall: wall && { ...wall, column: names.column(schema, name, wall.column) } }
}

/** Every list, for tables that the state has. */
function stepsOf({ ddl, plinth = noTracking }: State): TrackingStep[] {
  const tables = entitiesOf(ddl, 'tables')
  const { walled = {} } = plinth
  return kinds.flatMap((kind) => {
    const wanted = new Set(kind === 'walled' ? Object.keys(walled) : plinth[kind])
    return tables
      .filter((table) => wanted.has(pathOf(table)))
      .map(({ schema, name }) => ({ kind, schema, name, wall: kind === 'walled' ? wallOf(ddl, schema, name, walled) : undefined }))
  })
}

function wallOf(ddl: readonly Entity[], schema: string, table: string, walled: Readonly<Record<string, string>>): Wall {
  const name = walled[pathOf({ schema, name: table })] ?? ''
  const column = entitiesOf(ddl, 'columns').find((it) => it.schema === schema && it.table === table && it.name === name)
  const values = entitiesOf(ddl, 'enums').find((it) => it.schema === column?.typeSchema && it.name === column.type)?.values
  const { isRlsEnabled = false } = entitiesOf(ddl, 'tables').find((it) => it.schema === schema && it.name === table) ?? {}
  const policies = entitiesOf(ddl, 'policies').filter((policy) => policy.schema === schema && policy.table === table)
  return {
    column: name,
    type: JSON.stringify([column?.type, column?.typeSchema, column?.dimensions, column?.generated, values]),
    isSecured: policies.length > 0 || isRlsEnabled,
    isOpened: policies.some((policy) => policy.as !== 'RESTRICTIVE'),
  }
}

const pathOf = ({ schema, name }: { schema: string; name: string }): string => `${schema}.${name}`
const textOf = (step: TrackingStep): string => JSON.stringify([step.kind, pathOf(step), step.wall])

export function lostStatements({ lost }: TrackingChange): string[] {
  return lost.flatMap(({ kind, schema, name, wall }) => takeDown[kind](quotePath(schema, name), wall))
}

export function gainedStatements({ gained }: TrackingChange): string[] {
  return gained.flatMap(({ kind, schema, name, wall }) => putUp[kind](quotePath(schema, name), wall))
}

const sentences: Readonly<Record<TrackingKind, string>> = {
  versioned: 'versions of rows for the cache',
  tracked: 'a version for the cache',
  fenced: 'a guard of the fenced cache',
  walled: 'a wall between tenants',
}

/** A sentence per change, without a full stop. */
export function describeTracking({ lost, gained }: TrackingChange): string[] {
  const say =
    (verb: string) =>
    ({ kind, schema, name }: TrackingStep) =>
      `table "${dotted(schema, name)}" ${verb} ${sentences[kind]}`
  return [...gained.map(say('gets')), ...lost.map(say('no longer has'))]
}

/** The lists as a snapshot keeps them: sorted, of tables that it has; undefined when all are empty. */
export function keptTracking(tracking: Tracking, ddl: readonly Entity[]): Tracking | undefined {
  const steps = stepsOf({ ddl, plinth: tracking })
  if (steps.length === 0) return undefined
  const list = (wanted: TrackingKind): string[] =>
    steps
      .filter(({ kind }) => kind === wanted)
      .map(pathOf)
      .toSorted()
  const walls = list('walled').map((table) => [table, tracking.walled?.[table] ?? ''])
  const lists = { versioned: list('versioned'), tracked: list('tracked'), fenced: list('fenced') }
  return walls.length === 0 ? lists : { ...lists, walled: Object.fromEntries(walls) as Record<string, string> }
}
