// A raw query string → its parameters, strictly: every name once, percent-encoding and UTF-8 intact.

import { restErrors } from './errors.ts'

const mostParameters = 200

/** @throws REST_INVALID_QUERY, REST_REPEATED_PARAMETER */
export function queryPairs(query: string): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>()
  if (query === '') return pairs
  const parts = query.split('&')
  if (parts.length > mostParameters) throw restErrors.INVALID_QUERY(`has more than ${mostParameters} parameters`)
  for (const part of parts) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = decode(equals === -1 ? part : part.slice(0, equals))
    if (pairs.has(name)) throw restErrors.REPEATED_PARAMETER(name).with({ field: name })
    pairs.set(name, equals === -1 ? '' : decode(part.slice(equals + 1)))
  }
  return pairs
}

function decode(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    // The only failure: bytes that are not UTF-8, or a % without two hex digits.
    throw restErrors.INVALID_QUERY('has a broken percent-encoding')
  }
}

/** `filter[or][0][name]` → ['filter', 'or', '0', 'name']; undefined when the brackets do not match. */
export function bracketSegments(name: string): readonly string[] | undefined {
  const open = name.indexOf('[')
  if (open === -1) return [name]
  if (!name.endsWith(']')) return undefined
  const inner = name.slice(open + 1, -1).split('][')
  const broken = inner.some((segment) => segment === '' || segment.includes('[') || segment.includes(']'))
  return broken ? undefined : [name.slice(0, open), ...inner]
}

/** Splits at commas; a backslash makes the next character ordinary. */
export function commaList(text: string): readonly string[] {
  if (!text.includes('\\')) return text.split(',')
  const items: string[] = []
  let item = ''
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === ',') {
      items.push(item)
      item = ''
    } else if (character === '\\' && i + 1 < text.length) item += text[++i]
    else item += character
  }
  return [...items, item]
}
