// The log of the primary process. It is opened when the first worker has read the configuration; lines from before are kept until then.

import type { WorkerFacts } from '../core/processes/messages.ts'
import { createLog, type Logger } from '../core/log.ts'
import { openLogStream, type LogStream } from '../core/log-stream.ts'

export interface PrimaryLog {
  readonly log: Logger
  /** Where the lines go from now on, the earlier ones first. */
  open(facts: WorkerFacts): void
  flush(): void
}

export function primaryLog(): PrimaryLog {
  let held: string[] = []
  let stream: LogStream | undefined
  const write = (line: string): void => void (stream === undefined ? held.push(line) : stream.write(line))
  const log = createLog({ level: 'info', stream: { write }, process: 'primary' })
  return {
    log,
    open(facts) {
      stream?.close()
      stream = openLogStream(facts.log, facts.name)
      log.level = facts.log.level
      for (const line of held) stream.write(line)
      held = []
    },
    flush: () => stream?.flushSync(),
  }
}
