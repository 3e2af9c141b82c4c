// Each promise about identity and access, each section of RFC 8725 and each item of the OWASP API Top 10 is named by a test that is there.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const folder = join(import.meta.dirname, '../docs/operate')
const page = readFileSync(join(folder, 'security-guarantees.md'), 'utf8')

const numbered = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${prefix}${n + 1}`)
/** S13 is about an editor of SQL that there is not. */
const elsewhere = new Set(['S13'])
const items = [...numbered('S', 14), 'O1', ...numbered('3.', 12), ...numbered('API', 10)].filter((item) => !elsewhere.has(item))

interface Row {
  readonly item: string
  readonly file: string
  readonly name: string
}

function rowsOf(text: string): Row[] {
  return [...text.matchAll(/^\| (\S+) \| .+ \| \[`[^`]+`\]\(([^)]+)\): (.+) \|$/gm)].map(([, item = '', file = '', name = '']) => ({
    item,
    file,
    name,
  }))
}

function problems(rows: readonly Row[]): string[] {
  const unnamed = items.filter((item) => !rows.some((row) => row.item === item)).map((item) => `no test is named for ${item}`)
  return [...unnamed, ...rows.flatMap(problemOf)]
}

/** A name is the title of a test or of a group that is not left out: texts and comments are none. */
function problemOf({ item, file, name }: Row): string[] {
  const path = join(folder, file)
  if (!existsSync(path)) return [`${item}: there is no ${file}`]
  return isTried(readFileSync(path, 'utf8'), name) ? [] : [`${item}: ${file} has no test "${name}"`]
}

/** What `skipIf` asks for is a server or a long run, which somebody has; what is skipped or to be done, nobody tries. Nor is `skip.each` in such a file. */
function isTried(source: string, name: string): boolean {
  const lines = source.split('\n')
  const isTitle = (line: string, i: number): boolean => {
    const before = line.slice(0, line.indexOf(`'${name}'`)).trim()
    const call = before === '' ? (lines[i - 1] ?? '').trim() : before
    return /^(?:(?:test|describe)\b.*|[\])}].*)\($/.test(call) && !/\.(?:skip|todo)\b/.test(call)
  }
  const isSkipped = /\.(?:skip|todo)\.each/.test(source)
  return !isSkipped && lines.some((line, i) => line.includes(`'${name}'`) && isTitle(line, i))
}

test('every item is named, by tests that are there', () => {
  expect(problems(rowsOf(page))).toEqual([])
})

test('every row of the tables is read', () => {
  const lines = page.split('\n').filter((line) => line.startsWith('| ') && !/^\| (?:item|---) /.test(line))
  expect(rowsOf(page)).toHaveLength(lines.length)
})

test('the control: an item without a row, a test that was renamed and a file that was moved are found', () => {
  const rows = rowsOf(page)
  expect(problems(rows.filter(({ item }) => item !== 'API7'))).toEqual(['no test is named for API7'])
  expect(problems([...rows, { item: 'S3', file: '../../src/identity/attacks.test.ts', name: 'is as it was' }])).toEqual([
    'S3: ../../src/identity/attacks.test.ts has no test "is as it was"',
  ])
  expect(problems([...rows, { item: 'S3', file: 'away.test.ts', name: 'x' }])).toEqual(['S3: there is no away.test.ts'])
})

test('a name counts as the title of a test that is run, not in a comment, in a text, or of one that is skipped', () => {
  const tried = [
    "test('x', () => {",
    "describe.each(all)('x', () => {",
    "])('x', async () => {",
    "  test.each([1])(\n    'x',",
    "test.skipIf(no)('x', y)",
  ]
  const untried = [
    "// test('x')",
    "const x = 'x'",
    "test.skip('x', y)",
    "test.todo('x')",
    "test.skip(\n  'x',",
    "test.skip.each([\n1,\n])('x', y)",
  ]
  expect(tried.filter((source) => !isTried(source, 'x'))).toEqual([])
  expect(untried.filter((source) => isTried(source, 'x'))).toEqual([])
})
