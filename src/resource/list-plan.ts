// A list request → a list plan: everything that can be refused about it is refused here, before a connection is taken.

import { type CursorKey, decodeCursor, orderSignature } from './cursor.ts'
import { resourceErrors } from './errors.ts'
import { planFilter } from './filter.ts'
import type { Condition, ListPlan, OrderKey, ShapePlan } from './plan.ts'
import type { CompiledResource } from './registry.ts'
import type { ListRequest } from './request.ts'
import { planOrder } from './sort.ts'

/** Offsets make PostgreSQL read and throw away; beyond this a cursor is the way. */
export const mostOffset = 1_000_000
export const mostSearchCharacters = 500

export function planList(resource: CompiledResource, shape: ShapePlan, request: ListRequest, key: CursorKey): ListPlan {
  const search = planSearch(resource, request.search)
  const order = planOrder(resource, request.sort, search !== undefined)
  const { size, number, after } = planPage(resource, request)
  return Object.freeze({
    shape,
    where: [...visibleRows(resource), ...(request.filter === undefined ? [] : [planFilter(resource, request.filter)])],
    order,
    size,
    offset: number === undefined ? 0 : pageOffset(number, size),
    after: after === undefined ? undefined : decodeCursor(key, orderSignature(resource.name, order), after),
    countTotal: (request.count ?? resource.countDefault) === 'exact',
    keyset: number === undefined && canPageByCursor(resource, order),
    deleted: planDeleted(resource, request.deleted),
    search,
  })
}

/** What the caller may not see does not match, is not counted, and is not looked at by anything behind. */
function visibleRows({ rows: { list } }: CompiledResource): readonly Condition[] {
  if (list === true) return []
  return [list === false ? { type: 'any', conditions: [] } : list]
}

function planSearch(resource: CompiledResource, words: string | undefined): string | undefined {
  if (words === undefined || words.trim() === '') return undefined
  if (resource.search === undefined) throw resourceErrors.NOT_SEARCHABLE(resource.name).with({ field: 'search' })
  if (words.length > mostSearchCharacters || words.includes('\u0000')) {
    throw resourceErrors.INVALID_VALUE('search', `search takes up to ${mostSearchCharacters} characters of text.`).with({ field: 'search' })
  }
  return words
}

function planDeleted(resource: CompiledResource, deleted: ListPlan['deleted'] = 'without'): ListPlan['deleted'] {
  if (deleted === 'without' || resource.model.softDelete !== undefined) return deleted
  throw resourceErrors.INVALID_VALUE('deleted', `"${resource.name}" keeps no deleted records.`).with({ field: 'deleted' })
}

/** Without a primary key no order is total, and a cursor could skip records. */
function canPageByCursor(resource: CompiledResource, order: readonly OrderKey[]): boolean {
  return resource.model.primaryKey.length > 0 && order.length > 0
}

function planPage(resource: CompiledResource, request: ListRequest): { size: number; number?: number; after?: string } {
  const page = request.page ?? {}
  const size = page.size ?? resource.pageSize
  if (!Number.isSafeInteger(size) || size < 1 || size > resource.pageMax) {
    throw resourceErrors.INVALID_PAGE(`page[size] is a whole number from 1 to ${resource.pageMax}.`).with({ field: 'page[size]' })
  }
  if (page.number !== undefined && page.after !== undefined) {
    throw resourceErrors.INVALID_PAGE('page[number] and page[after] exclude each other.').with({ field: 'page[after]' })
  }
  if (page.after !== undefined && resource.model.primaryKey.length === 0) {
    throw resourceErrors.INVALID_PAGE(`"${resource.name}" has no primary key, so it has no cursors.`).with({ field: 'page[after]' })
  }
  return { ...page, size }
}

function pageOffset(number: number, size: number): number {
  const offset = (number - 1) * size
  if (!Number.isSafeInteger(number) || number < 1)
    throw resourceErrors.INVALID_PAGE('page[number] is a whole number from 1.').with({ field: 'page[number]' })
  if (offset > mostOffset) {
    throw resourceErrors.INVALID_PAGE(`page[number] reaches at most ${mostOffset} records deep.`).with({ field: 'page[number]' })
  }
  return offset
}
