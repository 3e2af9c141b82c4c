import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { repositoryWith } from './repository.ts'

interface Stage {
  readonly name: string
  readonly command: string[]
  readonly results?: string
  readonly minutes?: number
}

const good: Stage = { name: 'good', command: ['true'] }
const bad: Stage = { name: 'bad', command: ['false'] }

function run(stages: readonly Stage[], ...names: string[]): { lines: string[]; status: number | null } {
  const list = JSON.stringify(stages)
  const folder = repositoryWith({ 'scripts/stages.mjs': `export const checks = ${list}\nexport const ciStages = []` })
  const { stdout, status } = spawnSync(process.execPath, ['scripts/run-stages.mjs', 'check', ...names], { cwd: folder, encoding: 'utf8' })
  return { lines: stdout.trimEnd().split('\n'), status }
}

/** A test run that leaves this report behind. */
function testStage(report: object, code: number): Stage {
  const script = `require('fs').writeFileSync('r.json', '${JSON.stringify(report)}'); process.exit(${code})`
  return { name: 'tests', command: [process.execPath, '-e', script], results: 'r.json' }
}

test('all stages run even when one fails; the sum and the exit code tell', () => {
  const { lines, status } = run([bad, good])
  expect(lines.slice(-2)).toEqual(['2 stages, failed: bad', '1 passed, 1 failed'])
  expect(lines).toContainEqual(expect.stringMatching(/^=== bad FAILED \(exit 1\) in \d+\.\d s$/))
  expect(status).toBe(1)
})

test('stages can be chosen by name, and an unknown name is refused', () => {
  expect(run([bad, good], 'good')).toMatchObject({ status: 0 })
  expect(run([bad, good], 'goood')).toMatchObject({ status: 2 })
})

test('a test run counts as its tests, and a failure that no test shows is not lost', () => {
  const counts = { numPassedTests: 40, numFailedTests: 0, numPendingTests: 2 }
  expect(run([testStage(counts, 0), good]).lines.slice(-2)).toEqual(['2 tests skipped', '41 passed, 0 failed'])
  expect(run([testStage({ ...counts, numFailedTests: 3 }, 1)]).lines.at(-1)).toBe('40 passed, 3 failed')
  expect(run([testStage(counts, 1)])).toMatchObject({ lines: expect.arrayContaining(['40 passed, 1 failed']), status: 1 })
})

test('what failed is named at the end, with the file that did not load', () => {
  const assertionResults = [
    { fullName: 'it works', status: 'passed', failureMessages: [] },
    { fullName: 'it breaks', status: 'failed', failureMessages: ['expected 1 to be 2'] },
  ]
  const testResults = [
    { name: 'test/a.test.ts', status: 'failed', message: '', assertionResults },
    { name: 'test/b.test.ts', status: 'failed', message: 'no such module', assertionResults: [] },
  ]
  const counts = { numPassedTests: 1, numFailedTests: 1, numPendingTests: 0 }
  const end = run([testStage({ ...counts, testResults }, 1), good]).lines.slice(-8)
  expect(end).toEqual([
    'tests: test/a.test.ts > it breaks',
    'expected 1 to be 2',
    '',
    'tests: test/b.test.ts',
    'no such module',
    '',
    '2 stages, failed: tests',
    '2 passed, 1 failed',
  ])
})

test('a test run that wrote no report, and a program that does not exist, count as one failure', () => {
  expect(run([{ name: 'tests', command: ['false'], results: 'r.json' }]).lines.at(-1)).toBe('0 passed, 1 failed')
  expect(run([{ name: 'gone', command: ['no-such-program'] }, good]).lines.at(-1)).toBe('1 passed, 1 failed')
})

test('a stage that takes too long is stopped and has failed', () => {
  const slow: Stage = { name: 'slow', command: ['sleep', '20'], minutes: 0.005 }
  expect(run([slow])).toMatchObject({ lines: expect.arrayContaining(['1 stage, failed: slow']), status: 1 })
})
