// What the primary process and its workers tell each other. Plain data, sent as JSON over the channel that Node makes between them.

import type { Environment, LogConfig } from '../config.ts'

/** What the primary has to know of the application, which it does not load itself. */
export interface WorkerFacts {
  /** Of the application. */
  readonly name: string
  readonly env: Environment
  readonly root: string
  readonly log: LogConfig
  /** Whether the application runs on the embedded database. */
  readonly embedded: boolean
  /** Longest time a worker takes to end after it was asked to. */
  readonly stopMs: number
  /** In front of every resource, for the welcome. */
  readonly prefix: string
}

/** What one process answered; without `answer` when it gave none in time. */
export interface PeerAnswer {
  /** Number of the worker; 0 is the primary. */
  readonly worker: number
  readonly answer?: unknown
}

/** `hello` when the configuration is read, `ready` when it serves, `leaving` when it has begun to end by itself. */
export type FromWorker =
  | { readonly plinth: 'hello'; readonly facts: WorkerFacts }
  | { readonly plinth: 'ready'; readonly url: string }
  | { readonly plinth: 'leaving' }
  | { readonly plinth: 'ask'; readonly id: number; readonly question: string; readonly payload: unknown }
  | { readonly plinth: 'answer'; readonly id: number; readonly answer: unknown }

/** `stop`: everything ends. `retire`: this one ends, others serve on. */
export type ToWorker =
  | { readonly plinth: 'stop' | 'retire' }
  | { readonly plinth: 'question'; readonly id: number; readonly question: string; readonly payload: unknown }
  | { readonly plinth: 'answers'; readonly id: number; readonly answers: readonly PeerAnswer[] }

/** Whether a message is one of ours; the application may send its own. */
export function isOurs<message extends FromWorker | ToWorker>(message: unknown): message is message {
  return typeof message === 'object' && message !== null && 'plinth' in message
}
