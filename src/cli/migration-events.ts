// Tells of migrations while they run: what is done is a line of the result; what is under way is shown where somebody watches.

import type { MigrationEvent } from '../db/migrate/upgrade.ts'
import { note, print } from './output.ts'

/** Erases what stands on the line of a terminal. */
const eraseLine = '\r\u001b[K'

export function migrationEvents(): (event: MigrationEvent) => void {
  const { isTTY } = process.stderr
  return (event) => {
    if (event.type === 'waiting') return note('Another process is migrating; waiting for it …')
    if (event.type === 'start') return void (isTTY && process.stderr.write(`${verbs[event.direction].now}  ${event.revision} …`))
    if (isTTY) process.stderr.write(eraseLine)
    print(`${verbs[event.direction].done}  ${event.revision}  ${Math.round(event.durationMs)} ms`)
  }
}

const verbs = { up: { now: 'applying', done: 'applied' }, down: { now: 'taking back', done: 'taken back' } } as const
