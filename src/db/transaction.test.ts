import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { freshDatabase } from '../../test/support/database.ts'
import { testDatabase, testDatabases } from '../../test/support/postgres.ts'
import type { Database } from './database.ts'
import { textColumns } from './rows.ts'

const notes = 'create table notes (id int primary key, balance int not null default 0)'

async function ids(db: Database): Promise<number[]> {
  return (await db.query<{ id: number }>('select id from notes order by id')).map((row) => row.id)
}

function insert(db: Database, id: number): Promise<unknown> {
  return db.write({ text: 'insert into notes (id) values ($1)', values: [String(id)] })
}

describe.each(testDatabases())('on $name', ({ url }) => {
  test('what a transaction wrote is there after it, and its reads see it before', async () => {
    const db = await freshDatabase(url, notes)
    const seen = await db.transaction(async () => {
      await insert(db, 1)
      return textColumns(await db.read({ text: 'select count(*) from notes', values: [] }), 0)
    })
    expect(seen).toEqual(['1'])
    expect(await ids(db)).toEqual([1])
  })

  test('a throw rolls back everything and is passed on as it is', async () => {
    const db = await freshDatabase(url, notes)
    const mine = new Error('mine')
    const run = db.transaction(async () => {
      await insert(db, 1)
      throw mine
    })
    await expect(run).rejects.toBe(mine)
    expect(await ids(db)).toEqual([])
  })

  test('a nested transaction that fails leaves the outer one usable', async () => {
    const db = await freshDatabase(url, notes)
    await db.transaction(async () => {
      await insert(db, 1)
      await expect(db.transaction(() => insert(db, 1))).rejects.toMatchObject({ code: 'DB_UNIQUE' })
      await db.transaction(() => insert(db, 2))
    })
    expect(await ids(db)).toEqual([1, 2])
  })

  test('nested transactions that run side by side do not undo each other', async () => {
    const db = await freshDatabase(url, notes)
    await db.transaction(async () => {
      const failing = db.transaction(async () => {
        await insert(db, 1)
        await sleep(20)
        throw new Error('no')
      })
      await Promise.allSettled([failing, db.transaction(() => insert(db, 2)), insert(db, 3)])
    })
    expect(await ids(db)).toEqual([2, 3])
  })

  test('concurrent transactions are on connections of their own', async () => {
    const db = await freshDatabase(url, notes)
    const backend = async (): Promise<unknown> => (await db.query<{ pid: number }>('select pg_backend_pid() as pid'))[0]?.pid
    const pids = await Promise.all(
      [1, 2, 3].map((id) =>
        db.transaction(async () => {
          await insert(db, id)
          const first = await backend()
          await sleep(20)
          expect(await backend()).toBe(first)
          return first
        }),
      ),
    )
    expect(new Set(pids).size).toBe(3)
    expect(await ids(db)).toEqual([1, 2, 3])
  })

  test('effects run after the commit, in order, and see no transaction', async () => {
    const db = await freshDatabase(url, notes)
    const happened: unknown[] = []
    await db.transaction(async () => {
      await insert(db, 1)
      db.afterCommit(async () => void happened.push(await ids(db)))
      await db.transaction(async () => db.afterCommit(() => void happened.push('inner')))
      happened.push('before commit')
    })
    expect(happened).toEqual(['before commit', [1], 'inner'])
  })

  test('effects of what was rolled back never run', async () => {
    const db = await freshDatabase(url, notes)
    const happened: string[] = []
    const failing = async (name: string): Promise<never> => {
      db.afterCommit(() => void happened.push(name))
      throw new Error(name)
    }
    await expect(db.transaction(() => failing('outer'))).rejects.toThrow('outer')
    await db.transaction(() => db.transaction(() => failing('savepoint')).catch(() => undefined))
    await expect(
      db.transaction(async () =>
        db.transaction(async () => db.afterCommit(() => void happened.push('inner'))).then(() => failing('later')),
      ),
    ).rejects.toThrow()
    expect(happened).toEqual([])
  })

  test('what was left for the moment before the commit runs inside the transaction, once, after the work', async () => {
    const db = await freshDatabase(url, notes)
    const happened: unknown[] = []
    const last = async (): Promise<void> => {
      await insert(db, 2)
      db.afterCommit(() => void happened.push('committed'))
      happened.push(await ids(db))
    }
    await db.transaction(async () => {
      db.beforeCommit(last)
      await db.transaction(async () => db.beforeCommit(last))
      await insert(db, 1)
      happened.push('worked')
    })
    expect(happened).toEqual(['worked', [1, 2], 'committed'])
    expect(await ids(db)).toEqual([1, 2])
  })

  test('what is left for that moment by what runs in it is run as well, and the final ones come after all', async () => {
    const db = await freshDatabase(url, notes)
    const happened: unknown[] = []
    const final = async (): Promise<void> => void happened.push(await ids(db))
    await db.transaction(async () => {
      db.beforeCommit(final, { final: true })
      db.beforeCommit(async () => {
        await db.transaction(async () => {
          await insert(db, 1)
          db.beforeCommit(async () => void (await insert(db, 2)))
          db.beforeCommit(final, { final: true })
        })
      })
    })
    expect(happened).toEqual([[1, 2]])
  })

  test('a failure before the commit rolls everything back and is passed on', async () => {
    const db = await freshDatabase(url, notes)
    const mine = new Error('mine')
    const run = db.transaction(async () => {
      await insert(db, 1)
      db.beforeCommit(() => Promise.reject(mine))
    })
    await expect(run).rejects.toBe(mine)
    expect(await ids(db)).toEqual([])
    expect(await db.transaction(() => ids(db))).toEqual([])
  })

  test('what a savepoint left for the moment before the commit goes with it', async () => {
    const db = await freshDatabase(url, notes)
    const happened: string[] = []
    await db.transaction(async () => {
      await insert(db, 1)
      const failing = db.transaction(async () => {
        db.beforeCommit(() => void happened.push('dropped'))
        throw new Error('no')
      })
      await expect(failing).rejects.toThrow('no')
      await db.transaction(async () => db.beforeCommit(() => void happened.push('kept')))
    })
    expect(happened).toEqual(['kept'])
  })

  test('nothing can be left for the commit of no transaction, nor of one that has ended', async () => {
    const db = await freshDatabase(url, notes)
    expect(() => db.beforeCommit(() => undefined)).toThrow(expect.objectContaining({ code: 'DB_NO_TRANSACTION', status: 500 }))
    const late = db.transaction(async () => ({ run: async () => sleep(5).then(() => db.beforeCommit(() => undefined)) }))
    const { run } = await late
    await expect(run()).rejects.toMatchObject({ code: 'DB_NO_TRANSACTION' })
    const ended: { error?: unknown } = {}
    await db.transaction(async () => {
      setTimeout(() => {
        try {
          db.beforeCommit(() => undefined)
        } catch (error) {
          ended.error = error
        }
      }, 20)
    })
    await vi.waitUntil(() => ended.error !== undefined)
    expect(ended.error).toMatchObject({ code: 'DB_TRANSACTION_ENDED' })
  })

  test('a hidden failure is found also when something runs before the commit', async () => {
    const db = await freshDatabase(url, `${notes}; insert into notes values (1)`)
    const run = db.transaction(async () => {
      db.beforeCommit(async () => void (await ids(db)))
      await insert(db, 1).catch(() => undefined)
    })
    await expect(run).rejects.toMatchObject({ code: 'DB_TRANSACTION_FAILED' })
  })

  test('settings hold for the transaction or the savepoint and no longer', async () => {
    const db = await freshDatabase(url, notes, { poolSize: 1 })
    const tenant = async (): Promise<unknown> => (await db.query(`select current_setting('app.tenant', true) as tenant`))[0]?.['tenant']
    const odd = `it's "x" \\ ; --`
    const seen = await db.transaction(
      async () => {
        const written = await db.write({ text: `insert into notes values (1) returning current_setting('app.tenant')`, values: [] })
        expect(textColumns(written, 0)).toEqual([odd])
        const inner = await db.transaction(tenant, { settings: { 'app.tenant': 'inner' } })
        const undone = await db
          .transaction(async () => Promise.reject(new Error(String(await tenant()))), { settings: { 'app.tenant': 'undone' } })
          .catch((error: Error) => error.message)
        return [inner, undone, await tenant()]
      },
      { settings: { 'app.tenant': odd } },
    )
    expect(seen).toEqual(['inner', 'undone', 'inner'])
    expect(await db.transaction(tenant, { settings: { 'app.tenant': 'first statement is a query' } })).toBe('first statement is a query')
    expect(await tenant()).toBe('')
  })

  test('a transaction whose failed statement was hidden does not claim to have committed', async () => {
    const db = await freshDatabase(url, `${notes}; insert into notes values (1)`)
    let happened = false
    const run = db.transaction(async () => {
      db.afterCommit(() => void (happened = true))
      await insert(db, 2)
      await insert(db, 1).catch(() => undefined)
    })
    await expect(run).rejects.toMatchObject({ code: 'DB_TRANSACTION_FAILED' })
    expect(happened).toBe(false)
    expect(await ids(db)).toEqual([1])
  })

  test('the options reach PostgreSQL', async () => {
    const db = await freshDatabase(url, notes)
    const settings = (): Promise<unknown> =>
      db.query(`select current_setting('transaction_isolation') as isolation, current_setting('transaction_read_only') as read_only`)
    expect(await db.transaction(settings, { isolation: 'serializable', readOnly: true })).toEqual([
      { isolation: 'serializable', read_only: 'on' },
    ])
    await expect(db.transaction(() => insert(db, 1), { readOnly: true })).rejects.toMatchObject({ code: 'DB_READ_ONLY', status: 503 })
  })

  test('a serialization failure is 503, and is tried again only when the caller says that it may be', async () => {
    const db = await freshDatabase(url, `${notes}; insert into notes values (1, 0)`)
    let readers = 0
    const add = (retry: boolean): Promise<void> =>
      db.transaction(
        async () => {
          const [row] = await db.query<{ balance: number }>('select balance from notes where id = 1')
          readers += 1
          await vi.waitUntil(() => readers >= 2, { timeout: 5_000 })
          await db.query('update notes set balance = $1 where id = 1', [(row?.balance ?? 0) + 1])
        },
        { isolation: 'serializable', retry },
      )
    const once = await Promise.allSettled([add(false), add(false)])
    expect(once.map((outcome) => outcome.status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(once.find((outcome) => outcome.status === 'rejected')).toMatchObject({
      reason: { code: 'DB_SERIALIZATION', status: 503, headers: { 'retry-after': '1' } },
    })
    readers = 0
    await Promise.all([add(true), add(true)])
    expect(await db.query('select balance from notes')).toEqual([{ balance: 3 }])
  })
})

test('without a transaction an effect runs at once, and its failure stays in the log', async () => {
  const db = await freshDatabase(testDatabase().url)
  let happened = false
  db.afterCommit(() => void (happened = true))
  db.afterCommit(() => Promise.reject(new Error('logged')))
  expect(happened).toBe(true)
  await db.transaction(async () => db.afterCommit(() => Promise.reject(new Error('logged'))))
})

test('a statement that comes after its transaction has ended is refused, not run on a connection of somebody else', async () => {
  const db = await freshDatabase(testDatabase().url, notes)
  const late = await db.transaction(async () => ({ promise: sleep(30).then(() => insert(db, 1)) }))
  await expect(late.promise).rejects.toMatchObject({ code: 'DB_TRANSACTION_ENDED' })
  expect(await ids(db)).toEqual([])
})

test('an effect that is given after its transaction has ended is refused: the transaction may have been rolled back', async () => {
  const db = await freshDatabase(testDatabase().url)
  const late = await db.transaction(async () => ({ promise: sleep(10).then(() => db.afterCommit(() => undefined)) }))
  await expect(late.promise).rejects.toMatchObject({ code: 'DB_TRANSACTION_ENDED' })
})

test.each(['write', 'query', 'client', 'savepoint'] as const)(
  'a transaction whose first statement is a %s has begun before it',
  async (first) => {
    const db = await freshDatabase(testDatabase().url, notes, { poolSize: 1 })
    const text = 'insert into notes values (1)'
    const begins = {
      write: () => db.write({ text, values: [], name: 'insert_one' }),
      query: () => db.query(text),
      client: () => db.client().query(text),
      savepoint: () => db.transaction(() => db.write({ text, values: [] })),
    }
    const run = db.transaction(async () => {
      await begins[first]()
      throw new Error('no')
    })
    await expect(run).rejects.toThrow('no')
    expect(await ids(db)).toEqual([])
  },
)

test('a statement that is sent along with BEGIN is prepared under its name, and a bad one is not', async () => {
  const db = await freshDatabase(testDatabase().url, notes, { poolSize: 1 })
  const run = (text: string, name: string): Promise<unknown> => db.transaction(() => db.write({ text, values: [], name }))
  for (let round = 0; round < 2; round += 1)
    await run('insert into notes values (default_id())', 'bad').catch((error) => expect(error.code).toBe('CORE_INTERNAL'))
  await run('update notes set balance = 1', 'good')
  await run('update notes set balance = 1', 'good')
  expect(await db.query('select name, statement from pg_prepared_statements')).toEqual([
    { name: 'good', statement: 'update notes set balance = 1' },
  ])
})

test('a statement that nobody awaited is answered before the commit', async () => {
  const db = await freshDatabase(testDatabase().url, notes)
  await db.transaction(async () => void insert(db, 1))
  expect(await ids(db)).toEqual([1])
})

test('a business error gives the connection back, it does not throw it away', async () => {
  const db = await freshDatabase(testDatabase().url, notes, { poolSize: 1 })
  const backend = (): Promise<unknown> => db.query('select pg_backend_pid()')
  const before = await backend()
  await expect(db.transaction(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  await expect(insert(db, NaN)).rejects.toMatchObject({ status: 400 })
  expect(await backend()).toEqual(before)
})

test('a transaction that meets a changed schema fails with 503 once, and its connection is replaced', async () => {
  const db = await freshDatabase(testDatabase().url, notes, { poolSize: 1 })
  const everything = { text: 'select * from notes', values: [], name: 'everything' }
  const read = (): Promise<unknown> => db.transaction(() => db.write(everything))
  await read()
  await db.query('alter table notes add column extra int')
  await expect(read()).rejects.toMatchObject({ code: 'DB_SCHEMA_CHANGED', status: 503 })
  await expect(read()).resolves.toMatchObject({ count: 0 })
})

test('a transaction whose connection is lost fails with 503 and the pool goes on', async () => {
  const db = await freshDatabase(testDatabase().url, notes, { poolSize: 1 })
  const run = db.transaction(async () => {
    await insert(db, 1)
    await db.query('select pg_terminate_backend(pg_backend_pid())')
  })
  await expect(run).rejects.toMatchObject({ code: 'DB_UNAVAILABLE' })
  expect(await ids(db)).toEqual([])
})
