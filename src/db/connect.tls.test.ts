import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../test/support/database.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import { startPostgres, type PostgresServer } from '../../test/support/postgres-server.ts'
import { textColumns } from './rows.ts'

/** A server whose certificate, signed by itself, is for 127.0.0.1. */
async function encryptedServer(): Promise<{ server: PostgresServer; certificate: string }> {
  const server = await startPostgres(testDatabase().binaries)
  onTestFinished(() => server.destroy())
  const [key, certificate] = [join(server.dataDirectory, 'server.key'), join(server.dataDirectory, 'server.crt')]
  const subject = ['-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, '-keyout', key, '-out', certificate], {
    stdio: 'pipe',
  })
  const { uid, gid } = statSync(server.dataDirectory)
  for (const file of [key, certificate]) {
    chownSync(file, uid, gid)
    chmodSync(file, 0o600)
  }
  const admin = await openDatabase(server.url)
  await admin.query('alter system set ssl = on')
  await server.stop()
  await server.start()
  return { server, certificate }
}

test('sslmode means what it means to PostgreSQL’s own programs', async () => {
  const { server, certificate } = await encryptedServer()
  const isEncrypted = async (parameters: string, ways = [true, false]): Promise<unknown> => {
    const db = await openDatabase(`${server.url}?${parameters}`)
    const statement = { text: 'select ssl from pg_stat_ssl where pid = pg_backend_pid()', values: [] }
    const results = await Promise.all(ways.map((slow) => db.read(statement, { slow })))
    return results.flatMap((rows) => textColumns(rows, 0))
  }
  expect(await isEncrypted('sslmode=disable')).toEqual(['f', 'f'])
  expect(await isEncrypted('sslmode=require')).toEqual(['t', 't'])
  expect(await isEncrypted(`sslmode=verify-full&sslrootcert=${certificate}`)).toEqual(['t', 't'])
  for (const slow of [true, false])
    await expect(isEncrypted('sslmode=verify-full', [slow])).rejects.toMatchObject({ code: 'DB_UNAVAILABLE' })
})
