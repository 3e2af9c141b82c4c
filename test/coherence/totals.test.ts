import { onTestFinished, expect, test } from 'vitest'
import { join } from 'node:path'
import { removeFolder, temporaryFolder } from '../support/temporary.ts'
import { FindingsFile } from './findings-file.ts'
import type { Finding } from './report.ts'
import { totals } from './totals.ts'

const finding = (fault: string, operations: number, problem?: string): Finding => ({
  title: 'fenced',
  fault,
  mode: 'fenced',
  control: undefined,
  tally: {
    operations,
    writes: 1,
    refused: 0,
    failures: new Map([['503', 1]]),
    unknown: 0,
    longestReadMs: operations,
    longestWriteMs: 3,
    cache: new Map([['record hit', 2]]),
  },
  strikes: 2,
  seconds: 5,
  seed: operations,
  violations: [],
  problem,
})

test('rounds of one run are added up, and what was wrong in one of them stays wrong', () => {
  const [cut, flush, ...others] = totals([
    finding('cut', 10),
    finding('flush', 5),
    finding('cut', 20, 'requests failed'),
    finding('cut', 1),
  ])
  expect(others).toEqual([])
  expect(flush).toEqual(finding('flush', 5))
  expect(cut).toMatchObject({ strikes: 6, seconds: 15, problem: 'requests failed' })
  expect(cut?.tally).toMatchObject({ operations: 31, writes: 3, longestReadMs: 20, longestWriteMs: 3 })
  expect([...(cut?.tally.failures ?? []), ...(cut?.tally.cache ?? [])]).toEqual([
    ['503', 3],
    ['record hit', 6],
  ])
})

test('what was found is kept for a run that goes on later', () => {
  const folder = temporaryFolder('findings')
  onTestFinished(() => removeFolder(folder))
  const file = join(folder, 'some/findings.jsonl')
  expect(new FindingsFile(file).all()).toEqual([])
  new FindingsFile(file).add([finding('cut', 10)])
  new FindingsFile(file).add([finding('flush', 5, 'requests failed')])
  expect(new FindingsFile(file).all()).toEqual([finding('cut', 10), finding('flush', 5, 'requests failed')])
  new FindingsFile(file).clear()
  expect(new FindingsFile(file).all()).toEqual([])
})
