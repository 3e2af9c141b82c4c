// What an error reply may be, and what must never be in one.

import type { Reply } from './caller.ts'

export type ReplyFormat = 'envelope' | 'bare' | 'problem'

const texts = (value: Record<string, unknown>, names: readonly string[]): boolean => names.every((name) => typeof value[name] === 'string')

const forms: Readonly<Record<ReplyFormat, (body: Record<string, unknown>, status: number) => boolean>> = {
  envelope: (body) =>
    body['success'] === false && body['data'] === null && texts(body, ['error', 'code']) && Array.isArray(body['details']),
  bare: (body, status) => body['status'] === status && texts(body, ['message', 'code']) && Array.isArray(body['details']),
  problem: (body, status) =>
    body['status'] === status && texts(body, ['type', 'title', 'detail', 'code', 'instance']) && Array.isArray(body['errors']),
}

const types: Readonly<Record<ReplyFormat, string>> = {
  envelope: 'application/json; charset=utf-8',
  bare: 'application/json; charset=utf-8',
  problem: 'application/problem+json; charset=utf-8',
}

/** What would tell a stranger about code, machine or database. */
const leaks: readonly (readonly [string, RegExp])[] = [
  ['SQL', /\bselect\b.+\bfrom\b|\binsert into\b|\bupdate\b.+\bset\b|\bdelete from\b|\bwhere\b.+=|\$\d\b|::[a-z]+|\bpg_[a-z]+/i],
  [
    "PostgreSQL's own words",
    /violates|syntax error|relation \\?"|column \\?"|invalid input syntax|duplicate key|canceling statement|SQLSTATE|\b(?:22|23|42)[0-9A-Z]{3}\b/,
  ],
  ['a stack', /(?:\n|\\n)\s+at |\bat [\w.<> ]+ \([/\w]+[:/]|\.[mc]?[jt]s:\d+/],
  ['a path', /node_modules|\/src\/|\/work\/|\/home\/|\/tmp\/|file:\/\/|\.[mc]?[jt]s\b/],
  [
    'an error of the runtime',
    /\b(?:TypeError|RangeError|SyntaxError|ReferenceError|ECONN\w+|EPIPE|ENOENT|FST_ERR_\w+|HPE_\w+|Cannot read prop)/,
  ],
  ['an address of the database', /postgres(?:ql)?:\/\/|127\.0\.0\.1/],
]

/**
 * What is wrong with a reply whose status is 400 or above, one sentence each.
 *
 * @param canaries  words of the request that the reply must not repeat
 */
export function errorProblems(reply: Reply, format: ReplyFormat, canaries: readonly string[] = []): string[] {
  if (reply.status < 400) return []
  return [...formProblems(reply, format), ...leakProblems(reply, canaries)].map(
    (problem) => `${reply.status} ${problem}: ${reply.text.slice(0, 200)}`,
  )
}

/** Only what is wrong with its form: random requests hold words that a careful reply may repeat. */
export function formProblems(reply: Reply, format: ReplyFormat): string[] {
  if (reply.status < 400) return []
  const problems: string[] = []
  if (reply.headers['content-type'] !== types[format]) problems.push(`is ${String(reply.headers['content-type'])}, not ${types[format]}`)
  if (typeof reply.headers['x-request-id'] !== 'string') problems.push('has no request id')
  if (!isInForm(reply, format)) problems.push(`is not in the form of ${format}`)
  return problems
}

function isInForm(reply: Reply, format: ReplyFormat): boolean {
  try {
    return forms[format](JSON.parse(reply.text) as Record<string, unknown>, reply.status)
  } catch {
    return false
  }
}

function leakProblems({ text, headers }: Reply, canaries: readonly string[]): string[] {
  const found = leaks.filter(([, pattern]) => pattern.test(text)).map(([name]) => `shows ${name}`)
  const everything = text + JSON.stringify(headers)
  return [...found, ...canaries.filter((canary) => everything.includes(canary)).map((canary) => `repeats "${canary}"`)]
}

/** The code of an error reply, in whichever format. */
export function codeOf(reply: Reply): string {
  const code = (reply.json() as { readonly code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : `no code (${reply.status})`
}
