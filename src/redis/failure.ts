// What a server or the client library says went wrong, in the words of this room.

import { RedisUnavailable, type RedisFailure } from './redis.ts'

/** The first word of an error reply. What is not here is a mistake of ours. */
const reasons: Readonly<Record<string, RedisFailure>> = {
  OOM: 'full',
  MISCONF: 'full',
  NOREPLICAS: 'full',
  READONLY: 'unready',
  LOADING: 'unready',
  MASTERDOWN: 'unready',
  BUSY: 'unready',
  MOVED: 'unready',
  ASK: 'unready',
  TRYAGAIN: 'unready',
  CLUSTERDOWN: 'unready',
  NOAUTH: 'denied',
  NOPERM: 'denied',
  WRONGPASS: 'denied',
}

/** Replies after which another connection has better chances: this server cannot do anything for us now. */
const useless = new Set(['READONLY', 'LOADING', 'MASTERDOWN', 'BUSY', 'CLUSTERDOWN', 'NOAUTH'])

/** Says whether `error` is a reply of the server, rather than the end of a connection. */
export type IsReply = (error: unknown) => boolean

export function failureOf(error: unknown, isReply: IsReply): RedisUnavailable {
  if (error instanceof RedisUnavailable) return error
  const message = messageOf(error)
  if (!isReply(error)) return new RedisUnavailable('closed', message, error)
  return new RedisUnavailable(reasons[wordOf(message)] ?? 'refused', message, error)
}

/** Node tries every address of a name, and puts their errors into one that says nothing. */
function messageOf(error: unknown): string {
  const [first] = error instanceof AggregateError ? error.errors : [error]
  return first instanceof Error && first.message !== '' ? first.message : String(first)
}

/** Whether a reply says that the connection is of no use to anybody at the moment. */
export function isUseless({ message }: RedisUnavailable): boolean {
  return useless.has(wordOf(message))
}

/** Whether a reply of a cluster says that our map of it is old. */
export function isRedirect({ message }: RedisUnavailable): boolean {
  return /^(?:MOVED|ASK|CLUSTERDOWN) /.test(message)
}

/** `OOM` of `OOM command not allowed …`; before Redis 7 an error inside a script stood in the middle: `ERR Error running script … -OOM …`. */
function wordOf(message: string): string {
  return /^(?:ERR .*?-)?([A-Z]+)\b/.exec(message)?.[1] ?? ''
}
