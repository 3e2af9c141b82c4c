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
  const problems: Parsed[] = []
  const texts = listTexts({ field, problems }, value, field.dimensions, '')
  return problems[0] ?? (isBox(texts) ? { value: formatArray(texts) } : refuse('must have lists of equal length in each dimension'))
}

interface Intake {
  readonly field: Field
  readonly problems: Parsed[]
}

/** @param place  where the list stands: `[1]` inside the second list */
function listTexts(intake: Intake, list: readonly unknown[], depth: number, place: string): NestedTexts {
  return list.map((element, i) => elementText(intake, element, depth - 1, `${place}[${i}]`))
}

/** The text or list of an element; null for NULL, and after a problem was noted. */
function elementText(intake: Intake, element: unknown, depth: number, place: string): string | null | NestedTexts {
  if (depth > 0 && Array.isArray(element)) return listTexts(intake, element, depth, place)
  if (depth === 0 && element === null) return null
  const { field, problems } = intake
  const parsed = depth > 0 ? wrongType('a list', element) : field.kind.parse(element, field)
  if ('value' in parsed) return parsed.value
  problems.push(refuse(`at ${place} ${parsed.problem}`, parsed.hint))
  return null
}

/** PostgreSQL's arrays are boxes: all lists of one level have the same length. */
function isBox(list: NestedTexts): boolean {
  const lists = list.filter((item) => Array.isArray(item))
  return lists.length === 0 || (lists.every((inner) => inner.length === lists[0]?.length) && isBox(lists.flat()))
}
