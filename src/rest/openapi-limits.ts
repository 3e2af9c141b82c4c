// What the document says of an operation that may be called only so often: 429, and what every answer says of the limit.

import type { Part, Parts } from './openapi-parts.ts'
import { refusalReplies } from './openapi-errors.ts'
import { headersOf, rateHeaders } from './openapi-replies.ts'

/** The operation with its refusal, and with the headers on what it answers otherwise; shared replies of refusals stay as they are. */
export function limitedOperation(operation: Part): Part {
  const { responses = {} } = operation as { readonly responses?: Parts }
  const { 429: refused } = refusalReplies('RateLimited')
  const answers = Object.entries(responses).map(([status, reply]) => [status, '$ref' in reply ? reply : withRateHeaders(reply)])
  return { ...operation, responses: { ...Object.fromEntries(answers), 429: refused } }
}

function withRateHeaders(reply: Part): Part {
  return { ...reply, headers: { ...(reply.headers as Parts | undefined), ...headersOf(rateHeaders) } }
}
