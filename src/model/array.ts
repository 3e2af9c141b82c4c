// Nested lists ↔ PostgreSQL's array text `{"a b",NULL}`, for elements of any kind.

/** Elements are texts of one kind; null is NULL. */
export type NestedTexts = readonly (string | null | NestedTexts)[]

/**
 * Every element is quoted: right for all types, and cheaper than finding out which need it. Lists of nothing but empty
 * lists are the empty array, because up to PostgreSQL 16 `{{},{}}` is malformed.
 */
export function formatArray(values: NestedTexts): string {
  return isEmpty(values) ? '{}' : formatList(values)
}

function isEmpty(values: NestedTexts): boolean {
  return values.every((value) => Array.isArray(value) && isEmpty(value))
}

function formatList(values: NestedTexts): string {
  return `{${values.map(formatElement).join(',')}}`
}

function formatElement(value: string | null | NestedTexts): string {
  if (value === null) return 'NULL'
  return typeof value === 'string' ? `"${value.replace(/[\\"]/g, '\\$&')}"` : formatList(value)
}

/**
 * The elements of an array, nested as deep as its dimensions. Bounds (`[0:1]={a,b}`) are dropped: JSON has no place for them.
 *
 * @param text  as PostgreSQL writes it
 * @see PostgreSQL manual, "Array Input and Output Syntax"
 */
export function parseArray(text: string): NestedTexts {
  const start = text.startsWith('{') ? 0 : text.indexOf('=') + 1
  const outer: Element[] = []
  const open: Element[][] = [outer]
  for (let at = start; at < text.length;) at = readToken(text, at, open)
  return outer[0] as NestedTexts
}

type Element = string | null | NestedTexts

/** Reads one brace, comma or element into the innermost open list, and returns where the next one starts. */
function readToken(text: string, at: number, open: Element[][]): number {
  const list = open.at(-1) ?? []
  switch (text[at]) {
    case '{':
      open.push([])
      return at + 1
    case '}':
      open.pop()
      open.at(-1)?.push(list)
      return at + 1
    case ',':
      return at + 1
    case '"':
      return readQuoted(text, at + 1, list)
    default:
      return readPlain(text, at, list)
  }
}

/** By hand, because a regular expression would need stack for every escape of a long element. */
function readQuoted(text: string, start: number, list: Element[]): number {
  let end = start
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1
  const element = text.slice(start, end)
  list.push(element.includes('\\') ? element.replace(/\\(.)/gs, '$1') : element)
  return end + 1
}

function readPlain(text: string, start: number, list: Element[]): number {
  plainEnd.lastIndex = start
  const end = plainEnd.exec(text)?.index ?? text.length
  const element = text.slice(start, end)
  list.push(element === 'NULL' ? null : element)
  return end
}

const plainEnd = /[,}]/g
