// What would have failed in development goes on for users, and is told about.

import type { Logger } from '../core/log.ts'

/** Each problem is an error in the log, the first time that it is told. */
export function logOnce(log: Logger): (problem: string) => void {
  const told = new Set<string>()
  return (problem) => {
    if (!told.has(problem)) log.error(problem)
    told.add(problem)
  }
}
