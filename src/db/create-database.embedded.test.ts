import { existsSync, mkdtempSync, chmodSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../test/support/database.ts'
import { textColumns } from './rows.ts'

function project(): string {
  const root = mkdtempSync(join(realpathSync(tmpdir()), 'plinth-project-'))
  chmodSync(root, 0o755)
  onTestFinished(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }))
  return root
}

test('without a URL the project’s own database is used, and rows are there at the next start', async () => {
  const root = project()
  const first = await openDatabase(undefined, { root })
  await first.query('create table notes as select 1 as id')
  await first.close()
  expect(existsSync(join(root, '.plinth', 'postgres', 'data', 'postmaster.pid'))).toBe(false)
  const second = await openDatabase(undefined, { root })
  expect(await second.query('select id from notes')).toEqual([{ id: 1 }])
})

test('when the project’s own database is killed, requests are refused with 503 and then served again', async () => {
  const root = project()
  const db = await openDatabase(undefined, { root })
  const one = { text: 'select 1', values: [] }
  await Promise.all([db.read(one), db.write(one)])
  process.kill(Number.parseInt(readFileSync(join(root, '.plinth', 'postgres', 'data', 'postmaster.pid'), 'utf8')), 'SIGKILL')
  const codes = new Set<unknown>()
  const attempt = async (): Promise<unknown> => {
    const [read] = await Promise.all([db.read(one), db.write(one)]).catch((error) => codes.add(error.code) && [])
    return read && textColumns(read, 0)
  }
  await expect.poll(attempt, { timeout: 10_000, interval: 20 }).toEqual(['1'])
  expect([...codes].filter((code) => code !== 'DB_UNAVAILABLE')).toEqual([])
})
