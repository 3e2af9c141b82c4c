// What belongs to the request being served, reachable from any room without being passed along.

import { AsyncLocalStorage } from 'node:async_hooks'
import type { Caller } from './caller.ts'

export interface RequestContext {
  readonly requestId: string
  /** Of the client, as `TRUSTED_PROXIES` tells it. */
  readonly address?: string | undefined
  /** Milliseconds of `performance.now()`. */
  readonly startedAt: number
  /** Milliseconds of `performance.now()` after which nobody waits for the answer any more. */
  readonly deadline: number
  /** Whoever signed in for the request; nobody until that was found out. */
  caller: Caller
  /** What the client sent as `X-Read-After`: its reads must show what it wrote before. */
  readAfter?: string | undefined
  /** The last write that was done for this request, by the number that the database gave it; `unknown` when one may yet happen. */
  lastWrite?: number | 'unknown' | undefined
}

const storage = new AsyncLocalStorage<RequestContext>()

/** Runs `work` so that everything it starts, now or later, sees `context`. */
export function runInContext<result>(context: RequestContext, work: () => result): result {
  return storage.run(context, work)
}

/** What belongs to the current request; undefined outside of requests. */
export function currentContext(): RequestContext | undefined {
  return storage.getStore()
}

/** The id every log line and error reply of the current request carries. */
export function currentRequestId(): string | undefined {
  return storage.getStore()?.requestId
}
