// Clients that ask without a pause while something breaks, and what they were answered.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Call, Caller } from '../../guarantees/support/caller.ts'

export interface Sample {
  /** What was asked: a word of the test. */
  readonly kind: string
  /** 0 without an answer. */
  readonly status: number
  /** Milliseconds of `performance.now()`. */
  readonly startedAt: number
  readonly elapsedMs: number
  readonly hasRetryAfter: boolean
  readonly text: string
}

export interface Load {
  readonly samples: readonly Sample[]
  /** Waits for the answers that are still to come. */
  stop(): Promise<readonly Sample[]>
}

export interface LoadOptions {
  readonly lanes?: number
  readonly pauseMs?: number
}

/** @param calls  what is asked in turn, by kind; each gets the number of its call */
export function loadOn(app: Caller, calls: Readonly<Record<string, (count: number) => Call>>, options: LoadOptions = {}): Load {
  const { lanes = 8, pauseMs = 5 } = options
  const kinds = Object.entries(calls)
  const samples: Sample[] = []
  let going = true
  let asked = 0
  const lane = async (index: number): Promise<void> => {
    for (let turn = index; going; turn += 1) {
      const [kind, call] = kinds[turn % kinds.length] ?? ['', () => ({ path: '/' })]
      samples.push(await ask(app, kind, call(asked++)))
      await sleep(pauseMs)
    }
  }
  const all = Promise.all(Array.from({ length: lanes }, (_, index) => lane(index)))
  return {
    samples,
    async stop() {
      going = false
      await all
      return samples
    },
  }
}

export async function ask(app: Caller, kind: string, call: Call): Promise<Sample> {
  const startedAt = performance.now()
  try {
    const { status, headers, text, elapsedMs } = await app.send(call)
    return { kind, status, startedAt, elapsedMs, hasRetryAfter: headers['retry-after'] !== undefined, text }
  } catch (error) {
    return { kind, status: 0, startedAt, elapsedMs: performance.now() - startedAt, hasRetryAfter: false, text: String(error) }
  }
}

/** @param share  0.99 for the 99th percentile */
export function percentile(samples: readonly Sample[], share: number): number {
  const sorted = samples.map(({ elapsedMs }) => elapsedMs).toSorted((one, other) => one - other)
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
}

/** What is neither an answer nor 503 with Retry-After, one line each and each line once. */
export function failures(samples: readonly Sample[], allowed: readonly number[] = [200, 201]): string[] {
  const wrong = samples.filter(({ status, hasRetryAfter }) => !allowed.includes(status) || (status === 503 && !hasRetryAfter))
  return [...new Set(wrong.map(({ kind, status, text }) => `${kind} ${status} ${text.slice(0, 200)}`))]
}

export function countOf(samples: readonly Sample[], status: number): number {
  return samples.filter((sample) => sample.status === status).length
}
