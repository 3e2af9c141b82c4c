// Reads that are given up: the caller hears at once, the server is told when it matters, and nobody else is hurt.

import { getEventListeners } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { testDatabases } from '../../../test/support/postgres.ts'
import { textColumns } from '../rows.ts'
import { createReader, type Reader } from './reader.ts'

const cases = testDatabases().flatMap((database) => (['thin', 'pg'] as const).map((kind) => ({ ...database, kind })))

describe.each(cases)('$kind on $name', ({ url, kind }) => {
  function open(connections = 1): Reader {
    const reader = createReader({ connection: { connectionString: url }, connections, statementTimeoutMs: 10_000, kind })
    onTestFinished(() => reader.close())
    return reader
  }

  async function elapsed(promise: Promise<unknown>): Promise<number> {
    const startedAt = performance.now()
    await promise.catch(() => undefined)
    return performance.now() - startedAt
  }

  test('aborting the statement that runs ends it on the server, and those behind it are answered', async () => {
    const reader = open()
    await reader.read({ text: 'select 1', values: [] })
    const controller = new AbortController()
    const slow = reader.read({ text: 'select pg_sleep(8)', values: [] }, { signal: controller.signal })
    const behind = Promise.all(['a', 'b', 'c'].map((value) => reader.read({ text: 'select $1', values: [value] })))
    setTimeout(() => controller.abort(new Error('no longer wanted')), 100)
    expect(await elapsed(slow)).toBeLessThan(2_000)
    await expect(slow).rejects.toThrow('no longer wanted')
    expect(await elapsed(behind)).toBeLessThan(4_000)
    expect((await behind).map((rows) => textColumns(rows, 0))).toEqual([['a'], ['b'], ['c']])
  })

  test('aborting a statement that waits behind another drops its result and cancels nothing', async () => {
    const reader = open()
    await reader.read({ text: 'create temp sequence times', values: [] })
    const controller = new AbortController()
    const first = reader.read({ text: `select nextval('times'), pg_sleep(1)`, values: [] })
    const dropped = reader.read({ text: `select 'dropped'`, values: [] }, { signal: controller.signal })
    const last = reader.read({ text: `select 'last'`, values: [] })
    setTimeout(() => controller.abort(), 50)
    expect(await elapsed(dropped)).toBeLessThan(800)
    await expect(dropped).rejects.toMatchObject({ name: 'AbortError' })
    expect(textColumns(await first, 0)[0]).toBe('1')
    expect(textColumns(await last, 0)).toEqual(['last'])
  })

  test('a read aborted before there is a connection, or before it began, never reaches the server', async () => {
    const reader = open()
    const controller = new AbortController()
    const marker = `not sent ${kind} ${Math.random()}`
    const waiting = reader.read({ text: `select '${marker}'`, values: [] }, { signal: controller.signal })
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
    await expect(reader.read({ text: `select '${marker}'`, values: [] }, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    })
    expect(reader.stats().inFlight).toBe(0)
    const seen = await reader.read({
      text: `select 1 from pg_stat_activity where query like '%not sent%' and pid <> pg_backend_pid()`,
      values: [],
    })
    expect(seen.count).toBe(0)
  })

  // The cancel request names a connection, not a statement: it often arrives when the next one runs.
  test('a cancel request that comes late is never the error of another read', async () => {
    const reader = open()
    const outcomes: PromiseSettledResult<unknown>[] = []
    for (let round = 0; round < 60; round += 1) {
      const controller = new AbortController()
      const doomed = reader.read({ text: `select pg_sleep(0.002)`, values: [] }, { signal: controller.signal })
      const innocent = Array.from({ length: 8 }, () => reader.read({ text: 'select pg_sleep(0.002)', values: [] }))
      setTimeout(() => controller.abort(), round % 4)
      await Promise.allSettled([doomed])
      outcomes.push(...(await Promise.allSettled(innocent)))
    }
    expect(outcomes.filter((outcome) => outcome.status === 'rejected')).toEqual([])
  })

  test('a signal is let go of when its read is over', async () => {
    const reader = open()
    const { signal } = new AbortController()
    await reader.read({ text: 'select 1', values: [] }, { signal })
    await expect(reader.read({ text: 'select nothing', values: [] }, { signal })).rejects.toThrow('nothing')
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})
