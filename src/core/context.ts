// What belongs to the request being served, reachable from any room without being passed along.

import { AsyncLocalStorage } from 'node:async_hooks'

export interface RequestContext {
  readonly requestId: string
  /** Milliseconds of `performance.now()`. */
  readonly startedAt: number
  /** Milliseconds of `performance.now()` after which nobody waits for the answer any more. */
  readonly deadline: number
}

const storage = new AsyncLocalStorage<RequestContext>()

/** Runs `work` so that everything it starts, now or later, sees `context`. */
export function runInContext<result>(context: RequestContext, work: () => result): result {
  return storage.run(context, work)
}

/** The id every log line and error reply of the current request carries. */
export function currentRequestId(): string | undefined {
  return storage.getStore()?.requestId
}
