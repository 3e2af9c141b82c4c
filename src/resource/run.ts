// The engine's table of contents: what happens to a read, in order. A request is prepared (plan, statement, serializer;
// all refusals are here and no connection is taken), then run (database, includes, bytes).

import type { Cache } from '../cache/cache.ts'
import type { Database, Reads } from '../db/database.ts'
import type { Statement, TextRows } from '../db/rows.ts'
import { textColumns } from '../db/rows.ts'
import { Lru } from '../support/lru.ts'
import { type CompiledShape, compileShapePlan } from './compiled-shape.ts'
import { type CursorKey, encodeCursor, orderSignature } from './cursor.ts'
import { getStatement, getTemplate } from './get-statement.ts'
import { fetchLevels } from './levels.ts'
import { planList } from './list-plan.ts'
import { countStatement, type ListStatement, listStatement } from './list-statement.ts'
import type { ListPlan } from './plan.ts'
import type { CompiledResource, Registry } from './registry.ts'
import type { ListRequest, RecordKey, Shape } from './request.ts'
import { planShape } from './shape-plan.ts'
import { type Frame, recordJson, recordsJson } from './shape/result.ts'
import { bind, type Held, nothingHeld, type Template } from './sql-builder.ts'

export interface Engine {
  readonly db: Database
  readonly registry: Registry
  readonly cursorKey: CursorKey
  /** Undefined when no resource is cached. */
  readonly cache?: Cache
}

/** A page of records. */
export interface RecordPage {
  /** The records as the bytes of a JSON array, with what the reply has around them. */
  json(frame?: Frame): Buffer
  readonly count: number
  readonly size: number
  /** Page number, when the request asked by number or the next page can only be asked for so. */
  readonly number: number | undefined
  readonly hasMore: boolean
  readonly total: number | undefined
  /** Cursor of the next page; undefined on the last one, where the order is not total, and where its values are too long. */
  readonly next: string | undefined
}

export interface PreparedList {
  readonly plan: ListPlan
  readonly shape: CompiledShape
  readonly list: ListStatement
}

export interface PreparedGet {
  readonly shape: CompiledShape
  readonly template: Template
}

/** Request → plan → statement. The result can be run any number of times. */
export function prepareList(engine: Engine, resource: CompiledResource, request: ListRequest): PreparedList {
  const shape = shapeOf(resource, request)
  const plan = planList(resource, shape.plan, request, engine.cursorKey)
  return { plan, shape, list: listStatement(plan) }
}

/**
 * @param reads  where to read; one place for all statements, and without it any that shows what this caller has written
 * @param held   of the caller, for whose sight the list was prepared
 */
export async function runList(
  engine: Engine,
  { plan, shape, list }: PreparedList,
  reads = engine.db.anywhere(),
  held = nothingHeld,
): Promise<RecordPage> {
  const rows = await reads.read(bind(list.statement, held), plan.search === undefined ? undefined : { slow: true })
  const count = Math.min(rows.count, plan.size)
  const level = await fetchLevels(reads, shape, withoutLookAhead(rows, count), held)
  const hasMore = rows.count > plan.size
  const next = hasMore && plan.keyset ? nextCursor(engine, plan, list, rows, count - 1) : undefined
  return {
    json: (frame) => recordsJson(shape, level, count, frame),
    count,
    size: plan.size,
    number: pageNumber(plan, hasMore && next === undefined),
    hasMore,
    total: await totalOf(reads, plan, list, rows, held),
    next,
  }
}

export function prepareGet(resource: CompiledResource, request: Shape): PreparedGet {
  const shape = shapeOf(resource, request)
  return { shape, template: getTemplate(shape.plan) }
}

/** The record as the bytes of a JSON object; undefined when there is none. */
export async function runGet(
  engine: Engine,
  { shape, template }: PreparedGet,
  key: RecordKey,
  reads = engine.db.anywhere(),
  held = nothingHeld,
): Promise<Buffer | undefined> {
  const rows = await reads.read(getStatement(template, shape.plan.resource, key, held))
  if (rows.count === 0) return undefined
  return recordJson(shape, await fetchLevels(reads, shape, rows, held), 0)
}

/** The statements of a prepared list, those of its includes without their keys, for `?explain`. */
export function statementsOf({ list, shape }: PreparedList, held: Held): readonly Statement[] {
  return [bind(list.statement, held), ...includeStatements(shape)]
}

function includeStatements({ includes }: CompiledShape): Statement[] {
  return includes.flatMap(({ statement, shape }) => [{ text: statement.template.text, values: [] }, ...includeStatements(shape)])
}

const compiled = new WeakMap<CompiledResource, Lru<CompiledShape>>()
/** Shapes remembered per resource; callers choose fields and includes, so the number is bounded. */
const mostShapes = 200

/** Equal fields and includes share one compiled shape. */
function shapeOf(resource: CompiledResource, request: Shape): CompiledShape {
  const shapes = compiled.get(resource) ?? new Lru<CompiledShape>(mostShapes)
  compiled.set(resource, shapes)
  const signature =
    request.fields === undefined && request.include === undefined ? '' : JSON.stringify([[...(request.fields ?? [])], request.include])
  const known = shapes.get(signature)
  if (known !== undefined) return known
  const shape = compileShapePlan(planShape(resource, request))
  shapes.set(signature, shape)
  return shape
}

/** Pages have numbers where the request asked by number, and where the first one has no cursor for the next. */
function pageNumber(plan: ListPlan, needed: boolean): number | undefined {
  return plan.after !== undefined || (plan.keyset && !needed) ? undefined : plan.offset / plan.size + 1
}

/** Drops the row that only tells whether there is a next page, so that no include is fetched for it. */
function withoutLookAhead(rows: TextRows, count: number): TextRows {
  return rows.count === count ? rows : { ...rows, count }
}

async function totalOf(reads: Reads, plan: ListPlan, list: ListStatement, rows: TextRows, held: Held): Promise<number | undefined> {
  if (list.totalColumn === undefined) return undefined
  if (rows.count > 0) return Number(textColumns(rows, 0)[list.totalColumn])
  if (plan.offset === 0 && plan.after === undefined) return 0
  // No row, so none carries the total: a page past the end. It is the one case that takes a second statement.
  return Number(textColumns(await reads.read(bind(countStatement(plan), held)), 0)[0])
}

function nextCursor(engine: Engine, plan: ListPlan, list: ListStatement, rows: TextRows, last: number): string | undefined {
  const columns = textColumns(rows, last)
  const values = list.orderColumns.map((column) => columns[column] ?? null)
  return encodeCursor(engine.cursorKey, orderSignature(plan.shape.resource.name, plan.order), values)
}
