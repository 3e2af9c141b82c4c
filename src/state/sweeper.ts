// Removes in the background what is over: sessions, counters, and what other rooms keep for a time. Little at a time, every process at other times.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Part } from '../core/lifecycle.ts'
import type { Logger } from '../core/log.ts'

/** Rows removed by one statement: a few milliseconds. */
const batch = 500
/** Between two batches, so that the requests of others go ahead. */
const pauseMs = 50
const defaultIntervalMs = 60_000

/** Removes at most so many rows. @returns how many there were */
export type Sweep = (most: number) => Promise<number>

export interface SweeperOptions {
  /** For the log, as the subject of a sentence. */
  readonly name: string
  /** Asked each time: an application that uses none of it has perhaps not even the tables. */
  readonly isNeeded: () => boolean
  /** Milliseconds from one time to the next on average; a minute when not said. */
  readonly intervalMs?: number
}

export function stateSweeper(sweeps: readonly Sweep[], log: Logger, options: SweeperOptions): Part {
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  return {
    name: options.name,
    start() {
      running = sweepUntil(stopping.signal, sweeps, log, options)
    },
    async stop() {
      stopping.abort()
      await running
    },
  }
}

async function sweepUntil(
  stop: AbortSignal,
  sweeps: readonly Sweep[],
  log: Logger,
  { isNeeded, intervalMs = defaultIntervalMs }: SweeperOptions,
): Promise<void> {
  while (await pause(intervalMs * (0.5 + Math.random()), stop))
    for (const sweep of isNeeded() ? sweeps : []) while (!stop.aborted && (await tried(sweep, log)) === batch) await pause(pauseMs, stop)
}

/** The next time will do, also when the database is away or has no such tables. */
async function tried(sweep: Sweep, log: Logger): Promise<number> {
  try {
    return await sweep(batch)
  } catch (err) {
    log.debug({ err }, 'what is over could not be removed')
    return 0
  }
}

/** False when it is time to stop. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return sleep(ms, true, { signal, ref: false }).catch(() => false)
}
