// Why the engine refuses to read. Writes have their own table in `write-errors.ts`.

import { defineErrors } from '../core/errors.ts'

const perhaps = (near: string | undefined): string | undefined => (near === undefined ? undefined : `Perhaps you meant "${near}".`)

/** Kinds say what is wrong as the end of a sentence. */
const sentence = (text: string): string => (text.endsWith('.') ? text : `${text}.`)

export const resourceErrors = defineErrors('RESOURCE', {
  INVALID_DEFINITION: {
    status: 500,
    summary: 'Models or resources contradict themselves. All mistakes are listed and the start is refused.',
    message: (problems: readonly string[]) =>
      `The definition has ${problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`}:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
  },
  NOT_FOUND: {
    status: 404,
    summary: 'There is no such record, or the caller may not see it.',
    message: (resource: string) => `There is no such record in "${resource}".`,
  },
  UNKNOWN_FIELD: {
    status: 400,
    summary: 'A field was named that the resource does not have.',
    message: (field: string, resource: string, _near?: string) => `"${field}" is not a field of "${resource}".`,
    hint: (_field: string, _resource: string, near?: string) => perhaps(near),
  },
  UNKNOWN_RELATION: {
    status: 400,
    summary: 'A relation was named that the resource does not have, or that leads to nothing the API exposes.',
    message: (relation: string, resource: string, _near?: string) => `"${relation}" is not a relation of "${resource}".`,
    hint: (_relation: string, _resource: string, near?: string) => perhaps(near),
  },
  UNKNOWN_OPERATOR: {
    status: 400,
    summary: 'A filter operator does not exist, or does not fit the kind of its field.',
    message: (operator: string, field: string, _allowed: readonly string[]) => `"${operator}" is not an operator of the field "${field}".`,
    hint: (_operator: string, _field: string, allowed: readonly string[]) => `It has: ${allowed.join(', ')}.`,
  },
  INVALID_VALUE: {
    status: 400,
    summary: 'A value does not fit the field it is compared with.',
    message: (source: string, problem: string, _hint?: string) => sentence(`${source}: ${problem}`),
    hint: (_source: string, _problem: string, hint?: string) => hint,
  },
  TOO_MANY_CONDITIONS: {
    status: 400,
    summary: 'A filter has more conditions, or is nested deeper, than the server accepts.',
    message: (most: number) => `A filter has at most ${most} conditions, and each relation on the way to a field counts as one.`,
    hint: () => 'Use "in" for a list of values.',
  },
  NOT_SORTABLE: {
    status: 400,
    summary: 'A list cannot be ordered by this field.',
    message: (field: string, resource: string) => `"${resource}" cannot be sorted by "${field}".`,
    hint: () => 'Sort by a plain field, or by a field behind relations that lead to one record.',
  },
  SORT_TOO_LONG: {
    status: 400,
    summary: 'An order has more keys, or leads through more relations, than the server accepts.',
    message: (keys: number, relations: number) =>
      `A list is sorted by at most ${keys} fields, with at most ${relations} relations on the way to them.`,
    hint: () => 'The first few keys decide the order.',
  },
  NOT_SEARCHABLE: {
    status: 400,
    summary: 'The resource has no full-text search.',
    message: (resource: string) => `"${resource}" cannot be searched.`,
    hint: () => 'Name the fields in its definition: search: [...].',
  },
  INVALID_PAGE: {
    status: 400,
    summary: 'Page size, number or their combination is not usable.',
    message: (problem: string) => problem,
    hint: () => 'Use page[number] and page[size], or page[after] with the cursor of the previous page.',
  },
  INVALID_CURSOR: {
    status: 400,
    summary: 'A cursor was not made by this server for this list and order.',
    message: () => 'page[after] is not a cursor of this list.',
    hint: () => 'Take it from the "next" of the previous page, and keep sort and filters as they were.',
  },
  INCLUDE_TOO_DEEP: {
    status: 400,
    summary: 'Includes are nested deeper than the resource allows.',
    message: (path: string, most: number) => `"${path}" is deeper than ${most} relations.`,
    hint: () => 'Ask for the inner records in a request of their own.',
  },
  TOO_MANY_INCLUDES: {
    status: 400,
    summary: 'One request includes more relations than the server accepts.',
    message: (most: number) => `A request includes at most ${most} relations.`,
  },
  REPLY_TOO_LARGE: {
    status: 400,
    summary: 'A reply would be too large, usually because included relations lead back and repeat the same records.',
    message: () => 'The reply to this request would be too large.',
    hint: () => 'Ask for a smaller page, for fewer fields, or for fewer relations.',
  },
  INCLUDE_TOO_LARGE: {
    status: 400,
    summary: 'An included relation has more records than one reply may carry.',
    message: (path: string, most: number) => `"${path}" has more than ${most} records here.`,
    hint: (path: string) => `Ask for smaller pages, or list "${path}" by itself with a filter.`,
  },
})
