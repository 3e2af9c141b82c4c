// The bytes of replies, made from rows as PostgreSQL sends them.

import { expect, test } from 'vitest'
import type { TextRows } from '../../db/rows.ts'
import type { Encoding } from '../../model/kinds/kind.ts'
import type { Field } from '../../model/model.ts'
import { ByteWriter } from './byte-writer.ts'
import { compileShape, type Result, writeRecords } from './record-shape.ts'

const field = (name: string, encoding: Encoding, dimensions = 0): Field => ({ name, dimensions, kind: { encoding } }) as unknown as Field

function rowsOf(rows: readonly (readonly (string | null)[])[]): TextRows {
  const buffers = rows.map((row) => Buffer.concat([Buffer.from([0, row.length]), ...row.map(column)]))
  return { count: rows.length, buffers, starts: rows.map(() => 0), affected: rows.length }
}

function column(text: string | null): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(text === null ? -1 : Buffer.byteLength(text))
  return text === null ? length : Buffer.concat([length, Buffer.from(text)])
}

function json(fields: readonly Field[], rows: readonly (readonly (string | null)[])[], writer = new ByteWriter()): string {
  const shape = compileShape({ fields, width: fields.length, includes: [] })
  const result: Result = { rows: rowsOf(rows), includes: [] }
  writeRecords(writer, shape, result, rows.length)
  return writer.take().toString()
}

test.each<[Encoding, number, string, unknown]>([
  ['verbatim', 0, '-42', -42],
  ['verbatim', 0, '{"a": [1, null]}', { a: [1, null] }],
  ['float', 0, '1e+20', 1e20],
  ['float', 0, 'NaN', 'NaN'],
  ['float', 0, '-Infinity', '-Infinity'],
  ['boolean', 0, 't', true],
  ['boolean', 0, 'f', false],
  ['quoted', 0, '12345678901234567890.5', '12345678901234567890.5'],
  ['text', 0, '', ''],
  ['text', 0, 'plain', 'plain'],
  [
    'text',
    0,
    'quote " backslash \\ newline \n tab \t bell \u0007 unit \u001f é 漢 😀',
    'quote " backslash \\ newline \n tab \t bell \u0007 unit \u001f é 漢 😀',
  ],
  ['text', 0, `${'x'.repeat(100)}"`, `${'x'.repeat(100)}"`],
  ['timestamp', 0, '2026-11-20 09:00:00.123456+00', '2026-11-20T09:00:00.123456Z'],
  ['timestamp', 0, '2026-11-20 09:00:00', '2026-11-20T09:00:00Z'],
  ['timestamp', 0, '12026-11-20 09:00:00+00', '12026-11-20T09:00:00Z'],
  ['timestamp', 0, 'infinity', 'infinity'],
  ['timestamp', 0, '0044-03-15 12:00:00+00 BC', '0044-03-15 12:00:00+00 BC'],
  ['bytes', 0, '\\x', ''],
  ['bytes', 0, '\\x68690a', 'aGkK'],
  ['verbatim', 1, '{1,NULL,3}', [1, null, 3]],
  [
    'verbatim',
    2,
    '{{1,2},{3,4}}',
    [
      [1, 2],
      [3, 4],
    ],
  ],
  ['verbatim', 1, '[0:1]={1,2}', [1, 2]],
  ['text', 1, '{}', []],
  ['text', 1, '{a,"b c","quote \\" and \\\\ and ,{}","NULL",NULL,""}', ['a', 'b c', 'quote " and \\ and ,{}', 'NULL', null, '']],
  ['boolean', 1, '{t,f,NULL}', [true, false, null]],
  ['timestamp', 1, '{"2026-11-20 09:00:00+00",infinity}', ['2026-11-20T09:00:00Z', 'infinity']],
  ['bytes', 1, '{"\\\\x6869"}', ['aGk=']],
])('%s with %i dimensions: %s', (encoding, dimensions, text, value) => {
  expect(JSON.parse(json([field('x', encoding, dimensions)], [[text], [null]]))).toEqual([{ x: value }, { x: null }])
})

test('keys are escaped, and a record without fields is an empty object', () => {
  expect(json([field('a"b\\c\n', 'verbatim')], [['1']])).toBe('[{"a\\"b\\\\c\\n":1}]')
  expect(json([], [[], []])).toBe('[{},{}]')
})

test('a value larger than the writer grows it, and the next reply is right all the same', () => {
  const writer = new ByteWriter()
  const large = '\u0001'.repeat(300_000)
  expect(JSON.parse(json([field('x', 'text'), field('y', 'verbatim')], [[large, '1']], writer))).toEqual([{ x: large, y: 1 }])
  expect(json([field('x', 'text')], [['small']], writer)).toBe('[{"x":"small"}]')
})

test('a reply that grows beyond 64 MiB is refused, and the next one is right all the same', () => {
  const writer = new ByteWriter()
  const rows = Array.from({ length: 70 }, () => ['x'.repeat(1024 * 1024)])
  expect(() => json([field('x', 'text')], rows, writer)).toThrow(expect.objectContaining({ code: 'RESOURCE_REPLY_TOO_LARGE' }))
  writer.reset()
  expect(json([field('x', 'text')], [['small']], writer)).toBe('[{"x":"small"}]')
})

test('every text round-trips at every length around the copy loop', () => {
  for (let length = 0; length < 130; length++) {
    const text = 'é"'.repeat(length).slice(0, length)
    expect(JSON.parse(json([field('x', 'text'), field('q', 'quoted')], [[text, 'a'.repeat(length)]]))).toEqual([
      { x: text, q: 'a'.repeat(length) },
    ])
  }
})
