// What every reader does, whatever its kind: the values it returns, and that one statement's trouble is not another's.

import { Client, type ClientConfig } from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { scratchDatabase, testDatabases, type ScratchDatabase } from '../../../test/support/postgres.ts'
import { startTcpProxy } from '../../../test/support/tcp-proxy.ts'
import { textColumns, type TextRows } from '../rows.ts'
import { createReader, type Reader, type ReaderOptions } from './reader.ts'

/** Generous: other tests may be using the machine. */
const patient = { timeout: 10_000, interval: 20 }

const kinds = ['thin', 'pg'] as const
const cases = testDatabases().flatMap((database) => kinds.map((kind) => ({ ...database, kind })))

function open(url: string, kind: 'thin' | 'pg', options: Partial<ReaderOptions> = {}): Reader {
  const reader = createReader({ connection: { connectionString: url }, connections: 1, statementTimeoutMs: 10_000, kind, ...options })
  onTestFinished(() => reader.close())
  return reader
}

function sql(text: string, values: (string | null)[] = [], name?: string): { text: string; values: (string | null)[]; name?: string } {
  return { text, values, name }
}

function values(rows: TextRows): (string | null)[][] {
  return Array.from({ length: rows.count }, (_, row) => textColumns(rows, row))
}

/** The same statement on a stock client, without type parsing. */
async function oracle(config: ClientConfig, text: string): Promise<unknown[]> {
  const client = new Client(config)
  await client.connect()
  try {
    return (await client.query({ text, rowMode: 'array', types: { getTypeParser: () => (value: string) => value } })).rows
  } finally {
    await client.end()
  }
}

/** One expression per type that PostgreSQL writes in a way of its own. */
const everyType = [
  `null`,
  `''`,
  `'text with "quotes" and Grüße 👋'`,
  `true`,
  `1::int2`,
  `2147483647`,
  `9223372036854775807`,
  `1.50::numeric(10,2)`,
  `'NaN'::numeric`,
  `0.1::float4`,
  `1e308::float8`,
  `'-Infinity'::float8`,
  `12.3::money`,
  `'x'::char(5)`,
  `'c'::"char"`,
  `'name'::name`,
  `'\\x00ff'::bytea`,
  `date '2024-02-29'`,
  `time '23:59:59.999999'`,
  `timetz '12:00+02'`,
  `timestamp '2024-01-01 00:00:00.1'`,
  `timestamptz '2024-01-01 00:00:00+02'`,
  `interval '1 year 2 days 03:04:05.6'`,
  `'infinity'::date`,
  `gen_random_uuid()::text::uuid is not null`,
  `'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid`,
  `'{"b": 1,  "a": [null]}'::json`,
  `'{"b": 1,  "a": [null]}'::jsonb`,
  `array[1, null, 3]`,
  `array[['a,b', 'c"d'], ['', null]]`,
  `'{}'::text[]`,
  `inet '10.0.0.1/8'`,
  `cidr '10.0.0.0/8'`,
  `macaddr '08:00:2b:01:02:03'`,
  `point(1, 2)`,
  `box '((0,0),(1,1))'`,
  `int4range(1, 5)`,
  `tstzrange(null, null)`,
  `int4multirange(int4range(1, 3))`,
  `b'1010'`,
  `b'11'::varbit`,
  `'a fat cat'::tsvector`,
  `'fat & cat'::tsquery`,
  `xmlparse(content '<a/>')`,
  `row(1, 'two, three', null)`,
  `'0/16B3748'::pg_lsn`,
  `'pg_class'::regclass`,
  `'{"a": "\\u00e9"}'::jsonb`,
  `jsonpath '$.a'`,
]

describe.each(cases)('$kind on $name', ({ url: serverUrl, kind }) => {
  let scratch: ScratchDatabase
  let url: string

  beforeAll(async () => {
    scratch = await scratchDatabase(serverUrl)
    url = scratch.url
    await oracle(
      { connectionString: url },
      `create table items (id int primary key, name text not null, price numeric check (price > 0), note varchar(5))`,
    )
    await oracle({ connectionString: url }, `insert into items select i, 'item ' || i, i from generate_series(1, 5000) i`)
  })
  afterAll(() => scratch.drop())

  test('every type arrives as the text that stock pg sees', async () => {
    const text = `select ${everyType.join(', ')}`
    expect(values(await open(url, kind).read(sql(text)))).toEqual(await oracle({ connectionString: url }, text))
  })

  test('no rows, no columns, no statement and empty strings keep their shape', async () => {
    const reader = open(url, kind)
    expect(await reader.read(sql('select 1 where false'))).toEqual({ count: 0, buffers: [], starts: [], affected: 0 })
    expect(values(await reader.read(sql('select')))).toEqual([[]])
    expect(values(await reader.read(sql('select from generate_series(1, 3)')))).toEqual([[], [], []])
    expect((await reader.read(sql(''))).count).toBe(0)
    expect(values(await reader.read(sql(`select '', null, ' '`)))).toEqual([['', null, ' ']])
  })

  test('thousands of rows and values of a megabyte arrive whole', async () => {
    const reader = open(url, kind)
    const [all, large] = await reader.readAll([
      sql('select id, name, price, note from items order by id'),
      sql(`select i, repeat(chr(96 + i), 1000000) from generate_series(1, 3) i`),
    ])
    expect(all?.affected).toBe(5_000)
    expect(all && values(all)).toEqual(
      Array.from({ length: 5_000 }, (_, index) => [`${index + 1}`, `item ${index + 1}`, `${index + 1}`, null]),
    )
    expect(large && values(large)).toEqual(['a', 'b', 'c'].map((letter, index) => [`${index + 1}`, letter.repeat(1_000_000)]))
  })

  test('parameters of any length and script go out unharmed, NULL apart from the empty string', async () => {
    const reader = open(url, kind)
    const sent = ['', null, 'Grüße 👋 日本語', 'x'.repeat(200_000), 'é'.repeat(40_000), "'; drop table items --", '\u0001\t\n']
    const text = `select ${sent.map((_, index) => `$${index + 1}::text`).join(', ')}`
    expect(values(await reader.read(sql(text, sent, 'named')))).toEqual([sent])
    expect(values(await reader.read(sql(text, sent, 'named')))).toEqual([sent])
    expect(values(await reader.read(sql(text, sent)))).toEqual([sent])
  })

  test('the number of rows touched comes from the command tag', async () => {
    const reader = open(url, kind)
    expect((await reader.read(sql('update items set price = price where id <= 12'))).affected).toBe(12)
    expect((await reader.read(sql('insert into items values (9001, $1, 1), (9002, $1, 1)', ['new']))).affected).toBe(2)
    const deleted = await reader.read(sql('delete from items where id > 9000 returning id'))
    expect([deleted.affected, deleted.count]).toEqual([2, 2])
    expect((await reader.read(sql('create temp table nothing ()'))).affected).toBe(0)
  })

  test('an error in the middle of the rows fails its statement and no other in the same write', async () => {
    const reader = open(url, kind)
    const broken = sql('select 1 / (5 - i) from generate_series(1, 10) i', [], 'broken')
    const fine = sql('select $1::int', ['7'], 'fine')
    for (let round = 0; round < 3; round += 1) {
      const outcomes = await Promise.allSettled([fine, broken, fine, sql('selec'), fine].map((statement) => reader.read(statement)))
      expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? values(outcome.value) : outcome.reason.code))).toEqual([
        [['7']],
        '22012',
        [['7']],
        '42601',
        [['7']],
      ])
    }
  })

  test('a refusal carries the class and the properties of stock pg', async () => {
    const reader = open(url, kind)
    const refused = [
      `insert into items values (1, 'a', 1)`,
      `insert into items values (0, 'a', -1)`,
      `insert into items values (0, null, 1)`,
      `insert into items (id, name, note) values (0, 'a', 'too long')`,
      `select 'x'::int`,
      `select missing from items`,
      `select 1; select 2`,
    ]
    for (const text of refused) {
      const client = new Client({ connectionString: url })
      await client.connect()
      const expected: Error = await client.query({ text, name: 'x' }).then(
        () => expect.fail(text),
        (error: Error) => error,
      )
      await client.end()
      const error: Error = await reader.read(sql(text)).then(
        () => expect.fail(text),
        (reason: Error) => reason,
      )
      expect(Object.entries(error)).toEqual(Object.entries(expected))
      expect(error.message).toBe(expected.message)
      expect(error.constructor).toBe(expected.constructor)
    }
  })

  test('a named statement is prepared once, also when its first uses are in one write', async () => {
    const reader = open(url, kind)
    const statement = sql('select $1::int * 2', ['4'], 'twice')
    await Promise.all([1, 2, 3].map(() => reader.read(statement)))
    await reader.read(statement)
    const [[count] = []] = values(
      await reader.read(sql(`select count(*) from pg_prepared_statements where statement = 'select $1::int * 2'`)),
    )
    expect(count).toBe('1')
  })

  test('a named statement that could not be parsed is parsed again when it is asked again', async () => {
    const reader = open(url, kind)
    const statement = sql('select id from later', [], 'later')
    const outcomes = await Promise.allSettled([reader.read(statement), reader.read(statement), reader.read(statement)])
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code)).toEqual(['42P01', '42P01', '42P01'])
    await oracle({ connectionString: url }, 'create table later as select 5 as id')
    expect(values(await reader.read(statement))).toEqual([['5']])
    const [[count] = []] = values(
      await reader.read(sql(`select count(*) from pg_prepared_statements where statement = 'select id from later'`)),
    )
    expect(count).toBe('1')
  })

  test('a column that changes its type under a prepared statement is nobody’s error, and the connection is replaced', async () => {
    await oracle({ connectionString: url }, 'create table changing as select 5 as id')
    const reader = open(url, kind)
    const statement = sql('select id, pg_backend_pid() from changing', [], 'changing')
    const [before] = values(await reader.read(statement))
    await oracle({ connectionString: url }, `alter table changing alter column id type text using 'now text'`)
    const after = await Promise.all([reader.read(statement), reader.read(statement)])
    expect(after.map((rows) => values(rows)[0]?.[0])).toEqual(['now text', 'now text'])
    expect(values(await reader.read(statement))[0]?.[1]).not.toBe(before?.[1])
  })

  test('a prepared statement that the server has forgotten is nobody’s error', async () => {
    const reader = open(url, kind)
    const statement = sql('select $1::text', ['still here'], 'kept')
    await reader.read(statement)
    await reader.read(sql('deallocate all'))
    expect(values(await reader.read(statement))).toEqual([['still here']])
  })

  test('readAll sends everything to one connection in one write and answers in order', async () => {
    const proxy = await startTcpProxy(Number(new URL(url).port))
    onTestFinished(() => proxy.close())
    const proxied = new URL(url)
    proxied.port = String(proxy.port)
    const reader = open(proxied.href, kind, { connections: 4 })
    await reader.read(sql('select 1'))
    await expect.poll(() => reader.stats().connections, patient).toBe(4)
    proxy.fromClient.length = 0
    const results = await reader.readAll(Array.from({ length: 20 }, (_, index) => sql('select $1::int, pg_backend_pid()', [`${index}`])))
    expect(results.map((rows) => values(rows)[0]?.[0])).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`))
    expect(new Set(results.map((rows) => values(rows)[0]?.[1])).size).toBe(1)
    expect(proxy.fromClient.length).toBeLessThanOrEqual(kind === 'thin' ? 1 : 20)
  })

  test('a slow statement holds up no read while another connection is free', async () => {
    const reader = open(url, kind, { connections: 2 })
    await reader.read(sql('select 1'))
    await expect.poll(() => reader.stats(), patient).toEqual({ connections: 2, inFlight: 0 })
    const slow = reader.read(sql('select pg_sleep(3)'))
    const startedAt = performance.now()
    for (let count = 0; count < 20; count += 1) await reader.read(sql('select 1'))
    expect(performance.now() - startedAt).toBeLessThan(2_500)
    expect(reader.stats()).toEqual({ connections: 2, inFlight: 1 })
    await slow
  })

  test('a read beyond what may be in flight is refused at once and the others are answered', async () => {
    const reader = open(url, kind, { limits: { inFlight: 2 } })
    await reader.read(sql('select 1'))
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => reader.read(sql('select 2'))))
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect(outcomes[2]).toMatchObject({ reason: { code: 'READER_OVERLOADED', status: 503 } })
  })

  test('a result beyond its limit is refused, and what was behind it is answered all the same', async () => {
    const reader = open(url, kind, { limits: { resultBytes: 100_000 } })
    const outcomes = await Promise.allSettled([
      reader.read(sql(`select repeat('x', 1000) from generate_series(1, 500)`)),
      reader.read(sql('select 2')),
      reader.read(sql(`select repeat('x', 1000) from generate_series(1, 50)`)),
      reader.read(sql(`select repeat('x', 200000)`)),
    ])
    expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.count : outcome.reason.code))).toEqual([
      'READER_RESULT_TOO_LARGE',
      1,
      50,
      'READER_RESULT_TOO_LARGE',
    ])
    expect(values(await reader.read(sql('select 3')))).toEqual([['3']])
  })

  test('a statement with more parameters than the protocol can number is refused before it is sent', async () => {
    const reader = open(url, kind)
    await expect(
      reader.read(
        sql(
          'select 1',
          Array.from({ length: 65_536 }, () => '1'),
        ),
      ),
    ).rejects.toMatchObject({ code: 'READER_TOO_MANY_VALUES' })
    const most = Array.from({ length: 65_535 }, (_, index) => `${index}`)
    const all = most.map((_, index) => `$${index + 1}`).join(',')
    expect(values(await reader.read(sql(`select cardinality(array[${all}]::text[])`, most)))).toEqual([['65535']])
  })

  test('the server’s statement_timeout ends one statement and not those behind it', async () => {
    const reader = open(url, kind, { connection: { connectionString: url, statement_timeout: 200 }, statementTimeoutMs: 200 })
    const outcomes = await Promise.allSettled([reader.read(sql('select pg_sleep(5)')), reader.read(sql('select 2'))])
    expect(outcomes).toMatchObject([{ status: 'rejected', reason: { code: '57014' } }, { status: 'fulfilled' }])
  })

  test('notices, notifications and changed settings in between go unnoticed', async () => {
    const reader = open(url, kind)
    const results = await reader.readAll([
      sql('listen news'),
      sql(`do $$ begin raise notice 'hear, hear'; end $$`),
      sql(`notify news, 'payload'`),
      sql(`set application_name = 'other'`),
      sql('select 5'),
    ])
    expect(results.map((rows) => values(rows))).toEqual([[], [], [], [], [['5']]])
  })

  test('close finishes what is in flight, leaves no connection behind and takes nothing more', async () => {
    const reader = open(url, kind, { connection: { connectionString: url, application_name: `closing ${kind}` }, connections: 3 })
    await Promise.all([1, 2, 3, 4].map(() => reader.read(sql('select pg_sleep(0.05)'))))
    const reads = [1, 2, 3].map((value) => reader.read(sql('select $1::int, pg_sleep(0.2)', [`${value}`])))
    const closed = reader.close()
    await expect(reader.read(sql('select 1'))).rejects.toMatchObject({ code: 'READER_CLOSED' })
    expect((await Promise.all(reads)).map((rows) => values(rows)[0]?.[0])).toEqual(['1', '2', '3'])
    await closed
    expect(reader.stats()).toEqual({ connections: 0, inFlight: 0 })
    await expect
      .poll(() => oracle({ connectionString: url }, `select 1 from pg_stat_activity where application_name = 'closing ${kind}'`), patient)
      .toEqual([])
  })

  test('close before the first connection is made still answers what was accepted', async () => {
    const reader = open(url, kind)
    const read = reader.read(sql('select 1'))
    await Promise.all([reader.close(), expect(read).resolves.toMatchObject({ count: 1 })])
    expect(reader.stats()).toEqual({ connections: 0, inFlight: 0 })
  })
})

describe.each(testDatabases())('thin on $name', ({ url }) => {
  test('a connection keeps as many statements prepared as it may and closes the least recently used', async () => {
    const reader = open(url, 'thin', { limits: { preparedStatements: 3 } })
    const statement = (index: number): ReturnType<typeof sql> => sql(`select ${index}`, [], `statement ${index}`)
    for (const index of [1, 2, 3, 1, 4, 5, 1]) await reader.read(statement(index))
    const kept = values(await reader.read(sql(`select statement from pg_prepared_statements where statement <> '' order by 1`)))
    expect(kept.flat().filter((text) => text?.startsWith('select ') === true && text.length < 10)).toEqual([
      'select 1',
      'select 4',
      'select 5',
    ])
  })

  test('uses of a statement whose first Parse fails in the same write fail alike and cost no connection', async () => {
    const reader = open(url, 'thin')
    const pid = values(await reader.read(sql('select pg_backend_pid()')))
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => reader.read(sql('select nothing', [], 'nothing'))))
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code)).toEqual(['42703', '42703', '42703'])
    expect(values(await reader.read(sql('select pg_backend_pid()')))).toEqual(pid)
  })

  test('many names in one write stay within the limit and get their own answers', async () => {
    const reader = open(url, 'thin', { limits: { preparedStatements: 5 } })
    for (let round = 0; round < 3; round += 1) {
      const results = await Promise.all(
        Array.from({ length: 100 }, (_, index) => reader.read(sql(`select ${index % 20}`, [], `n${index % 20}`))),
      )
      expect(results.map((rows) => values(rows)[0]?.[0])).toEqual(Array.from({ length: 100 }, (_, index) => `${index % 20}`))
    }
    const [[count] = []] = values(await reader.read(sql('select count(*) from pg_prepared_statements')))
    expect(Number(count)).toBeLessThanOrEqual(6)
  })

  test('an answer that no read can have, as to COPY, costs its connection and nothing more', async () => {
    const lost: Error[] = []
    const reader = open(url, 'thin', { onConnectionError: (error) => lost.push(error) })
    await expect(reader.read(sql('copy (select 1) to stdout'))).rejects.toMatchObject({ code: 'READER_PROTOCOL' })
    expect(lost).toHaveLength(1)
    expect(values(await reader.read(sql('select 2')))).toEqual([['2']])
  })
})
