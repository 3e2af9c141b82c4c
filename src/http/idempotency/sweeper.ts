// Removes old answers in the background: little at a time, by one process at a time.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Part } from '../../core/lifecycle.ts'
import type { Logger } from '../../core/log.ts'
import type { Database } from '../../db/database.ts'
import { forgetOldAnswers, whyNotInstalled } from './kept-answers.ts'

export interface SweeperOptions {
  readonly db: Database
  readonly log: Logger
  readonly ttlMs: number
}

/** Answers removed by one statement: a few milliseconds. */
const batch = 500
/** Between two batches, so that the requests of others go ahead. */
const pauseMs = 50
const longestIntervalMs = 60_000

/** Looks about once a minute, more often when answers are kept shortly; every process at other times. */
export function answerSweeper(options: SweeperOptions): Part {
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  return {
    name: 'The sweeper of old answers',
    start() {
      running = sweepUntil(stopping.signal, options)
    },
    async stop() {
      stopping.abort()
      await running
    },
  }
}

async function sweepUntil(stop: AbortSignal, options: SweeperOptions): Promise<void> {
  const intervalMs = Math.min(longestIntervalMs, options.ttlMs / 4)
  while (await pause(intervalMs * (0.5 + Math.random()), stop)) {
    while (!stop.aborted && (await sweep(options)) === batch) await pause(pauseMs, stop)
  }
}

/** False when it is time to stop. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return sleep(ms, true, { signal, ref: false }).catch(() => false)
}

/** @returns how many answers were removed; 0 also when the database is away: then the next time will do */
async function sweep({ db, ttlMs, log }: SweeperOptions): Promise<number> {
  try {
    return await forgetOldAnswers(db, ttlMs, batch)
  } catch (err) {
    if (whyNotInstalled(err) === undefined) log.debug({ err }, 'old answers could not be removed')
    return 0
  }
}
