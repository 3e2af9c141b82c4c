// What a reply must be by the document, and for which reasons an allowed request may be refused.

import type { Call, Reply } from '../support/caller.ts'
import { codeOf } from '../support/error-reply.ts'
import type { Contract, DocumentedReply } from './document.ts'
import type { Request } from './requests.ts'

/** What is wrong with the reply to a request, one sentence each. */
export function replyProblems(contract: Contract, request: Request, reply: Reply): string[] {
  if (reply.status >= 500) return [`a failure: ${reply.status} ${reply.text.slice(0, 200)}`]
  const documented = request.operation.replies[reply.status] ?? (reply.status >= 400 ? request.operation.replies['default'] : undefined)
  if (documented === undefined) return [`the status ${reply.status} is not documented`]
  return [...codeProblems(documented, reply), ...contentProblems(contract, documented, request, reply), ...verdictProblems(request, reply)]
}

function codeProblems({ codes }: DocumentedReply, reply: Reply): string[] {
  if (reply.status < 400 || codes.includes(codeOf(reply))) return []
  return [`${reply.status} with the code ${codeOf(reply)} is not documented`]
}

function contentProblems(contract: Contract, { content }: DocumentedReply, { query }: Request, reply: Reply): string[] {
  const type = reply.headers['content-type']?.replace(/;.*/, '')
  if (typeof reply.headers['x-request-id'] !== 'string') return ['there is no X-Request-Id']
  if (Object.keys(content).length === 0) return reply.text === '' ? [] : [`${reply.status} has a body, which is not documented`]
  const schema = content[type ?? '']
  if (schema === undefined) return [`${reply.status} as ${String(type)} is not documented`]
  if (!/[/+]json$/.test(type ?? '')) return []
  const isSparse = [...query.keys()].some((name) => name.startsWith('fields'))
  const problems = (isSparse ? contract.sparseProblems : contract.problems)(schema, JSON.parse(reply.text))
  return problems.map((problem) => `${reply.status}: the reply${problem}`)
}

function verdictProblems(request: Request, reply: Reply): string[] {
  if (request.kind === 'forbidden') return reply.status < 400 ? [`${reply.status}, although ${request.why}`] : []
  const isRefused = [400, 405, 413, 414, 415].includes(reply.status)
  if (!isRefused || codesOf(reply).every((code) => hasReason(code, request, reply))) return []
  return [`${reply.status}, although the request is as documented: ${reply.text.slice(0, 400)}`]
}

/** Those of the details where there are some: the error's own code says only that they are there. */
function codesOf(reply: Reply): string[] {
  const { details = [], errors = details } = reply.json() as {
    readonly details?: { readonly code: string }[]
    readonly errors?: { readonly code: string }[]
  }
  return errors.length === 0 ? [codeOf(reply)] : errors.map(({ code }) => code)
}

interface Reason {
  /** Of the error, or of each of its details. */
  readonly code: string
  readonly when?: (request: Request, reply: Reply) => boolean
}

const sortOf = ({ query }: Request): string => query.get('sort') ?? ''
const hasFieldSets = ({ query }: Request): boolean => [...query.keys()].some((name) => name.startsWith('fields['))
const wholeOf = ({ path, body }: Call): string => `${path} ${Buffer.isBuffer(body) ? body.toString() : ''}`
const boundProblem = /has an? (?:lower|upper) bound/

/** What a schema cannot say, and the descriptions of the document do. */
const reasons: readonly Reason[] = [
  { code: 'WRITE_KEY_CHANGED' },
  { code: 'WRITE_REPEATED' },
  { code: 'RESOURCE_INVALID_CURSOR', when: ({ query }) => query.has('page[after]') },
  { code: 'RESOURCE_INVALID_PAGE', when: ({ query }) => query.has('page[number]') },
  // Behind the first relation of a path the schema stops.
  { code: 'RESOURCE_UNKNOWN_FIELD', when: (request) => sortOf(request).includes('.') },
  { code: 'RESOURCE_NOT_SORTABLE', when: (request) => sortOf(request).includes('.') },
  { code: 'RESOURCE_SORT_TOO_LONG', when: (request) => sortOf(request).includes('.') },
  { code: 'RESOURCE_UNKNOWN_RELATION', when: (request) => `${sortOf(request)}${request.query.get('include') ?? ''}`.includes('.') },
  // Fields of a relation that is not included.
  { code: 'RESOURCE_INVALID_VALUE', when: (request, reply) => hasFieldSets(request) && reply.text.includes('is not included') },
  // What the bounds of a range may be, and in which order, a pattern cannot say.
  { code: 'WRITE_INVALID_VALUE', when: (_request, reply) => boundProblem.test(reply.text) },
  { code: 'RESOURCE_INVALID_VALUE', when: (_request, reply) => boundProblem.test(reply.text) },
  // Nor that the number behind an e must not be too large.
  { code: 'DB_OUT_OF_RANGE', when: ({ call }) => /point|line/.test(wholeOf(call)) },
  { code: 'DB_INVALID_VALUE', when: ({ call }) => wholeOf(call).includes('range') },
]

/** In bulk, an item that stands against other records can be beside one that is wrong. */
function hasReason(code: string, request: Request, reply: Reply): boolean {
  return (
    request.operation.replies['409']?.codes.includes(code) ||
    reasons.some((reason) => reason.code === code && (reason.when?.(request, reply) ?? true))
  )
}
