// Nested lists ↔ PostgreSQL's array text `{"a b",NULL}`, for elements of any kind.

/** Elements are texts of one kind; null is NULL. */
export type NestedTexts = readonly (string | null | NestedTexts)[]

/** Every element is quoted: right for all types, and cheaper than finding out which need it. */
export function formatArray(values: NestedTexts): string {
  return `{${values.map(formatElement).join(',')}}`
}

function formatElement(value: string | null | NestedTexts): string {
  if (value === null) return 'NULL'
  return typeof value === 'string' ? `"${value.replace(/[\\"]/g, '\\$&')}"` : formatArray(value)
}

/**
 * The elements of an array, nested as deep as its dimensions. Bounds (`[0:1]={a,b}`) are dropped: JSON has no place for them.
 *
 * @param text  as PostgreSQL writes it
 * @see PostgreSQL manual, "Array Input and Output Syntax"
 */
export function parseArray(text: string): NestedTexts {
  const lists: (string | null | NestedTexts)[][] = [[]]
  const start = text.startsWith('{') ? 0 : text.indexOf('=') + 1
  for (const [, open, close, quoted, plain] of text.slice(start).matchAll(tokens)) {
    const current = lists.at(-1) ?? []
    if (open !== undefined) lists.push([])
    else if (close !== undefined) (lists.pop(), lists.at(-1)?.push(current))
    else if (quoted !== undefined) current.push(quoted.replace(/\\(.)/gs, '$1'))
    else if (plain !== undefined) current.push(plain === 'NULL' ? null : plain)
  }
  return lists[0]?.[0] as NestedTexts
}

const tokens = /(\{)|(\})|"([^"\\]*(?:\\.[^"\\]*)*)"|([^{},"]+)/gs
