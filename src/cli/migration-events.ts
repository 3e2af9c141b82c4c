// Tells of migrations while they run: what is done is a line of the result; what is under way is shown where somebody watches.

import type { MigrationEvent } from '../db/migrate/upgrade.ts'
import { note, print } from './output.ts'
import { working } from './progress.ts'

const verbs = { up: { now: 'applying', done: 'applied' }, down: { now: 'taking back', done: 'taken back' } } as const

export function migrationEvents(): (event: MigrationEvent) => void {
  let erase = (): void => {}
  return (event) => {
    if (event.type === 'waiting') return note('Another process is migrating; waiting for it …')
    if (event.type === 'start') {
      erase = working(`${verbs[event.direction].now}  ${event.revision} …`)
    } else {
      erase()
      print(`${verbs[event.direction].done}  ${event.revision}  ${Math.round(event.durationMs)} ms`)
    }
  }
}
