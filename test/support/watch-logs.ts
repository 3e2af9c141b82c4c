// Runs before each test file: nothing that it does leaves a secret in a log.

import { deepStrictEqual } from 'node:assert/strict'
import { afterAll } from 'vitest'
import { takeLeaks, watchLogs } from './watched-logs.ts'

const watched = globalThis as { plinthWatchesLogs?: true }
if (watched.plinthWatchesLogs !== true) watchLogs()
watched.plinthWatchesLogs = true

afterAll(() => {
  deepStrictEqual(takeLeaks().leaks, [], 'Secrets were logged; test/support/watched-logs.ts says what is one.')
})
