// A query string → a request to the engine. Knows names and syntax; what a field can be compared with is the engine's business.

import type { FieldSets, IncludeTree, ListRequest, Shape } from '../resource/request.ts'
import { parseSort } from '../resource/sort.ts'
import { nearest } from '../support/similar.ts'
import { restErrors } from './errors.ts'
import { bracketSegments, queryPairs } from './query-pairs.ts'
import { FilterReader } from './read-filter.ts'

type Mutable<type> = { -readonly [key in keyof type]: type[key] }

interface Reading {
  readonly list: Mutable<ListRequest>
  readonly page: Mutable<NonNullable<ListRequest['page']>>
  readonly fields: Map<string, readonly string[]>
  readonly filter: FilterReader
}

type Reader = (reading: Reading, value: string, name: string, segments: readonly string[]) => void

const shapeReaders: Readonly<Record<string, Reader>> = {
  fields: (reading, value, name, segments) => reading.fields.set(segments[1] ?? '', names(value, name)),
  include: (reading, value, name) => {
    reading.list.include = includeTree(names(value, name))
  },
}

const listReaders: Readonly<Record<string, Reader>> = {
  ...shapeReaders,
  filter: (reading, value, name, segments) => reading.filter.add(name, segments.slice(1), value),
  sort: (reading, value, name) => {
    reading.list.sort = parseSort(names(value, name).join(','))
  },
  search: (reading, value) => {
    reading.list.search = value
  },
  count: (reading, value, name) => {
    reading.list.count = oneOf(name, value, ['exact', 'none'])
  },
  deleted: (reading, value, name) => {
    reading.list.deleted = oneOf(name, value, ['without', 'with', 'only'])
  },
  page: readPage,
}

/** Parameters of a list, for messages and documentation. */
export const listParameters: readonly string[] = [
  'filter',
  'sort',
  'search',
  'page[number]',
  'page[size]',
  'page[after]',
  'count',
  'fields',
  'include',
  'deleted',
]

/** @throws REST_… for anything that is not a parameter of a list, or is written wrongly */
export function readListQuery(query: string): ListRequest {
  const reading = readQuery(query, listReaders)
  const filter = reading.filter.read()
  return {
    ...reading.list,
    ...(filter === undefined ? {} : { filter }),
    ...(Object.keys(reading.page).length === 0 ? {} : { page: reading.page }),
    ...shapeFields(reading),
  }
}

/** @throws REST_… for anything but `fields` and `include` */
export function readShapeQuery(query: string): Shape {
  const reading = readQuery(query, shapeReaders)
  return { ...reading.list, ...shapeFields(reading) }
}

/** A query string that may not say anything. */
export function refuseQuery(query: string): void {
  readQuery(query, {})
}

function shapeFields({ fields }: Reading): { fields?: FieldSets } {
  return fields.size === 0 ? {} : { fields }
}

function readQuery(query: string, readers: Readonly<Record<string, Reader>>): Reading {
  const reading: Reading = { list: {}, page: {}, fields: new Map(), filter: new FilterReader() }
  for (const [name, value] of queryPairs(query)) {
    const segments = bracketSegments(name)
    const word = segments?.[0] ?? ''
    const reader = Object.hasOwn(readers, word) ? readers[word] : undefined
    if (reader === undefined || segments === undefined) throw unknownParameter(name, readers)
    if (segments.length > mostSegments(word)) throw unknownParameter(name, readers)
    reader(reading, value, name, segments)
  }
  return reading
}

function mostSegments(word: string): number {
  if (word === 'filter') return Number.POSITIVE_INFINITY
  return word === 'fields' || word === 'page' ? 2 : 1
}

function unknownParameter(name: string, readers: Readonly<Record<string, Reader>>) {
  const known = listParameters.filter((parameter) => Object.hasOwn(readers, parameter.replace(/\[.*/, '')))
  return restErrors.UNKNOWN_PARAMETER(name, nearest(name, known)).with({ field: name })
}

function readPage(reading: Reading, value: string, name: string, segments: readonly string[]): void {
  const part = segments[1] ?? ''
  if (part === 'after') reading.page.after = value
  else if (part === 'size' || part === 'number') reading.page[part] = wholeNumber(name, value)
  else throw unknownParameter(name, listReaders)
}

function wholeNumber(name: string, value: string): number {
  if (!/^\d{1,9}$/.test(value))
    throw restErrors.INVALID_PARAMETER(name, `"${value.slice(0, 40)}" is not a whole number above 0.`).with({ field: name })
  return Number(value)
}

function oneOf<const word extends string>(name: string, value: string, words: readonly word[]): word {
  const found = words.find((word) => word === value)
  if (found === undefined)
    throw restErrors.INVALID_PARAMETER(name, `"${value.slice(0, 40)}" is not one of ${words.join(', ')}.`).with({ field: name })
  return found
}

function names(value: string, parameter: string): readonly string[] {
  const list = value.split(',').map((name) => name.trim())
  if (list.includes('')) throw restErrors.INVALID_PARAMETER(parameter, 'write names separated by commas.').with({ field: parameter })
  return list
}

/** `author,comments.author` → { author: {}, comments: { author: {} } } */
export function includeTree(paths: readonly string[]): IncludeTree {
  const tree: { [name: string]: IncludeTree } = Object.create(null)
  for (const path of paths) {
    let level = tree
    for (const name of path.split('.')) level = level[name] ??= Object.create(null)
  }
  return tree
}
