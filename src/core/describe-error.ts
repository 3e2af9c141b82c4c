// An error as it stands in the log: what it is, what it says, where it came from, and what caused it.

import { redact, redactText } from './redact.ts'

/** Longest chain of causes that is written out. */
const longestChain = 6

// PostgreSQL's `detail`, `where` and `internalQuery` are left out: they repeat the values of rows.
const properties = [
  'code',
  'status',
  'statusCode',
  'errno',
  'syscall',
  'address',
  'port',
  'path',
  'severity',
  'schema',
  'table',
  'column',
  'constraint',
  'routine',
]

/** Describes whatever was thrown. Never throws, ends on circular causes, and hides secrets in messages and URLs. */
export function describeError(thrown: unknown, depth = 0): unknown {
  if (!(thrown instanceof Error)) return typeof thrown === 'string' ? redactText(thrown) : plain(thrown)
  const described: Record<string, unknown> = {
    type: thrown.name,
    message: redactText(thrown.message),
    stack: redactText(thrown.stack ?? ''),
  }
  for (const name of properties) {
    const value = (thrown as unknown as Record<string, unknown>)[name]
    if (typeof value === 'string' || typeof value === 'number') described[name] = value
  }
  if (depth < longestChain && thrown.cause !== undefined) described.cause = describeError(thrown.cause, depth + 1)
  if (depth < longestChain && thrown instanceof AggregateError)
    described.errors = thrown.errors.slice(0, 5).map((error) => describeError(error, depth + 1))
  return described
}

function plain(thrown: unknown): unknown {
  return typeof thrown === 'object' && thrown !== null ? redact(thrown) : thrown
}
