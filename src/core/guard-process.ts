// How a process ends: asked by a signal, or because something broke that nobody caught. Either way what is in flight is finished first.

import type { Logger } from './log.ts'

export interface ProcessGuard {
  readonly log: Logger
  /** Writes held-back log lines; called last. */
  flush(): void
  /** Drains and closes everything. */
  stop(): Promise<void>
  /** Longest wait for `stop`. */
  readonly timeoutMs: number
  /** Ends the process; for tests. */
  exit?(code: number): void
}

/**
 * Ends the process with 0 after SIGTERM or SIGINT, with 1 after an uncaught exception or an unhandled rejection: what
 * state they left behind nobody knows, so the process finishes its requests and lets its supervisor start a fresh one.
 * A second signal ends it at once.
 *
 * @returns a function that takes the handlers away again
 */
export function guardProcess({ log, flush, stop, timeoutMs, exit = (code) => process.exit(code) }: ProcessGuard): () => void {
  let ending = false
  const end = (code: number): void => {
    if (ending) return
    ending = true
    const leave = (): void => {
      flush()
      exit(code)
    }
    const late = setTimeout(leave, timeoutMs)
    stop()
      .catch((err: unknown) => log.error({ err }, 'the application did not stop cleanly'))
      .finally(() => clearTimeout(late))
      .then(leave, leave)
  }
  const onSignal = (signal: NodeJS.Signals): void => {
    if (ending) exit(130)
    log.info({ signal }, 'stopping')
    end(0)
  }
  const onCrash = (err: unknown, origin: string): void => {
    log.fatal({ err, origin }, 'uncaught: the process finishes its requests and ends')
    end(1)
  }
  const onRejection = (reason: unknown): void => onCrash(reason, 'unhandledRejection')
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal).on('uncaughtException', onCrash).on('unhandledRejection', onRejection)
  return () => {
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal).off('uncaughtException', onCrash).off('unhandledRejection', onRejection)
  }
}
