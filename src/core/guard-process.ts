// How a process ends: asked by a signal, or because something broke that nobody caught. Either way what is in flight is finished first.

import type { Logger } from './log.ts'

export interface ProcessGuard {
  readonly log: Logger
  /** Writes held-back log lines; called last. */
  flush(): void
  /** Drains and closes everything. @param crashed  true when nobody has asked for it */
  stop(crashed: boolean): Promise<void>
  /** Longest wait for `stop`. */
  readonly timeoutMs: number
  /** Ends the process; for tests. */
  exit?(code: number): void
}

/** One Ctrl+C reaches a process several times: the terminal sends it to the whole group, npm and `node --watch` pass theirs on. */
const sameSignalMs = 1_000

/**
 * Ends the process with 0 after SIGTERM or SIGINT, with 1 after an uncaught exception or an unhandled rejection: what
 * state they left behind nobody knows, so the process finishes its requests and lets its supervisor start a fresh one.
 * A second signal, a second later or more, ends it at once with 130.
 *
 * @returns a function that ends the process as a signal does; for a primary that tells its workers
 */
export function guardProcess({ log, flush, stop, timeoutMs, exit = (code) => process.exit(code) }: ProcessGuard): () => void {
  let ending = false
  const end = (code: number, crashed = false): void => {
    if (ending) return
    ending = true
    const leave = (): void => {
      flush()
      exit(code)
    }
    const late = setTimeout(leave, timeoutMs)
    stop(crashed)
      .catch((err: unknown) => log.error({ err }, 'the application did not stop cleanly'))
      .finally(() => clearTimeout(late))
      .then(leave, leave)
  }
  let askedAt: number | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    if (askedAt !== undefined && performance.now() - askedAt > sameSignalMs) exit(130)
    if (askedAt !== undefined) return
    askedAt = performance.now()
    log.info({ signal }, 'stopping')
    end(0)
  }
  const onCrash = (err: unknown, origin: string): void => {
    log.fatal({ err, origin }, 'uncaught: the process finishes its requests and ends')
    end(1, true)
  }
  const onRejection = (reason: unknown): void => onCrash(reason, 'unhandledRejection')
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal).on('uncaughtException', onCrash).on('unhandledRejection', onRejection)
  return () => end(0)
}
