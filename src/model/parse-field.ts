// A JSON value or a query-string text → PostgreSQL text for a field. Lists become array text.

import { formatArray, type NestedTexts } from './array.ts'
import type { Parsed } from './kinds/kind.ts'
import { refuse, wrongType } from './kinds/parsed.ts'
import type { Field } from './model.ts'

/** Elements of one array, over all dimensions. */
export const mostElements = 10_000

/**
 * One value of a record. Pure; never throws.
 *
 * @param value  parsed JSON; null is refused, because NULL has no text: `field.nullable` decides before
 */
export function parseField(field: Field, value: unknown): Parsed {
  if (value === null || value === undefined) return refuse('must not be null')
  return field.dimensions === 0 ? field.kind.parse(value, field) : parseList(field, value)
}

/** One value of a filter or of a key in a path; for array fields one element. */
export function parseFilterText(field: Field, text: string): Parsed {
  return field.kind.parseText(text, field)
}

function parseList(field: Field, value: unknown): Parsed {
  if (!Array.isArray(value)) return wrongType(field.dimensions === 1 ? 'a list' : `a list of ${field.dimensions} dimensions`, value)
  if (value.flat(field.dimensions - 1).length > mostElements) return refuse(`must have at most ${mostElements} elements`)
  const texts = listTexts(field, value, field.dimensions, '')
  if (!Array.isArray(texts)) return texts as Parsed
  return isRectangular(texts, field.dimensions) ? { value: formatArray(texts) } : refuse('must have lists of equal length in each dimension')
}

/** The texts of a list, or the first problem with the place where it is. */
function listTexts(field: Field, list: readonly unknown[], depth: number, place: string): NestedTexts | Parsed {
  const texts: (string | null | NestedTexts)[] = []
  for (const [i, element] of list.entries()) {
    const text = elementText(field, element, depth - 1, `${place}[${i}]`)
    if (typeof text === 'object' && text !== null && 'problem' in text) return text
    texts.push(text as string | null | NestedTexts)
  }
  return texts
}

function elementText(field: Field, element: unknown, depth: number, place: string): string | null | NestedTexts | Parsed {
  if (depth > 0) return Array.isArray(element) ? listTexts(field, element, depth, place) : atPlace(place, wrongType('a list', element))
  if (element === null) return null
  const parsed = field.kind.parse(element, field)
  return 'value' in parsed ? parsed.value : atPlace(place, parsed)
}

function atPlace(place: string, parsed: Parsed): Parsed {
  return 'problem' in parsed ? refuse(`at ${place} ${parsed.problem}`, parsed.hint) : parsed
}

/** PostgreSQL's arrays are boxes: every list of one level has the same length. */
function isRectangular(list: NestedTexts, depth: number): boolean {
  if (depth === 1) return true
  const lists = list as readonly NestedTexts[]
  return lists.every((inner) => inner.length === lists[0]?.length) && isRectangular(lists.flat() as NestedTexts, depth - 1)
}
