import { expect, test } from 'vitest'
import { createLog } from '../core/log.ts'
import { logOnce } from './log-once.ts'

test('a problem is an error in the log once, and another one is another', () => {
  const lines: string[] = []
  const tell = logOnce(createLog({ level: 'info', stream: { write: (line: string) => void lines.push(line) } }))
  for (const problem of ['a clock', 'a clock', 'a watch', 'a clock']) tell(problem)
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: 'error', message: 'a clock' },
    { level: 'error', message: 'a watch' },
  ])
})
