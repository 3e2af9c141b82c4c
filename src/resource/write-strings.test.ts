import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testDatabases } from '../../test/support/postgres.ts'
import { type Workbench, workbench } from '../../test/support/writers.ts'

const naughty = JSON.parse(readFileSync(new URL(import.meta.resolve('big-list-of-naughty-strings/blns.json')), 'utf8')) as readonly string[]
const further = [
  '\u0001\u001f',
  '\ufeffbom',
  '\u2028\u2029',
  '\ud83d\ude00',
  'e\u0301',
  '\\',
  '"',
  `'; drop table notes; --`,
  '{}',
  'NULL',
  '{"a":1}',
  ' padded ',
  '$1',
  '\u{10ffff}',
]

describe.each(testDatabases())('text of every kind on $name', ({ url }) => {
  let bench: Workbench

  beforeAll(async () => {
    bench = await workbench(url)
  })
  afterAll(() => bench.close())

  const hexOf = async (id: unknown): Promise<unknown> =>
    (await bench.rows(`select encode(convert_to(note, 'UTF8'), 'hex') as hex from notes where id = '${String(id)}'`))[0]?.hex

  test('every naughty string is stored byte for byte, alone', async () => {
    expect(naughty.length).toBeGreaterThan(450)
    for (const note of [...naughty, ...further]) {
      const saved = await bench.write('notes', { operation: 'create', values: { note } })
      expect(saved?.record.note).toBe(note)
      expect(await hexOf(saved?.record.id)).toBe(Buffer.from(note).toString('hex'))
    }
  })

  test('every naughty string is stored byte for byte among many', async () => {
    const items = [...naughty, ...further].map((note) => ({ note }))
    const created = await bench.bulk('notes', { operation: 'create', items })
    expect(created.map(({ note }) => ({ note }))).toEqual(items)
    const patched = await bench.bulk('notes', {
      operation: 'patch',
      items: created.map(({ id, note }) => ({ id, note: `${String(note)}!` })),
    })
    expect(patched.map(({ note }) => note)).toEqual(items.map(({ note }) => `${note}!`))
    for (const { id, note } of patched.slice(0, 50)) expect(await hexOf(id)).toBe(Buffer.from(String(note)).toString('hex'))
  })

  test('every naughty string survives in lists and in JSON', async () => {
    const saved = await bench.write('posts', { operation: 'create', values: { title: 't', slug: 's', tags: naughty, meta: { naughty } } })
    expect(saved?.record.tags).toEqual(naughty)
    expect(saved?.record.meta).toEqual({ naughty })
  })

  test.each(['\ud800', 'a\udfffb', '\u0000', 'a\u0000', '\udc00\ud800'])(
    '%j is refused rather than stored as something else',
    async (note) => {
      const error = await bench.refusal(bench.write('notes', { operation: 'create', values: { note } }))
      expect(error).toMatchObject({ status: 400, code: 'WRITE_INVALID' })
      expect(error.details).toMatchObject([{ field: 'note', code: 'WRITE_INVALID_VALUE' }])
    },
  )

  test('a lone surrogate that passed the check would be stored as another character, which this suite would see', async () => {
    const [row] = await bench.db.query<{ id: string }>('insert into notes (note) values ($1) returning id', ['a\udfffb'])
    expect(await hexOf(row?.id)).not.toBe(Buffer.from('a\udfffb', 'utf16le').toString('hex'))
    expect(await bench.rows(`select note from notes where id = '${row?.id}'`)).toEqual([{ note: 'a\ufffdb' }])
  })
})
