// Encryption and passwords: a server that takes neither plain connections nor wrong secrets.

import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client, type ClientConfig } from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { testDatabases } from '../../../test/support/postgres.ts'
import { startPostgres, type PostgresServer } from '../../../test/support/postgres-server.ts'
import { textColumns } from '../rows.ts'
import { createReader, type Reader } from './reader.ts'

/** Generous: other tests may be using the machine. Less than the statement that is cancelled would take. */
const patient = { timeout: 6_000, interval: 20 }

/** Turns encryption and SCRAM on and every other way in off, but for the superuser who does it. */
async function secure(server: PostgresServer): Promise<string> {
  const file = (name: string): string => join(server.dataDirectory, name)
  const certificate = [
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=localhost',
  ]
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
  execFileSync('openssl', ['req', ...certificate, ...names, '-keyout', file('server.key'), '-out', file('server.crt')], { stdio: 'pipe' })
  const { uid, gid } = statSync(server.dataDirectory)
  chmodSync(file('server.key'), 0o600)
  chownSync(file('server.key'), uid, gid)
  chmodSync(file('server.crt'), 0o644)
  writeFileSync(file('pg_hba.conf'), 'host all postgres all trust\nhostssl all reader all scram-sha-256\n')
  const admin = new Client({ connectionString: server.url })
  await admin.connect()
  await admin.query(`set password_encryption = 'scram-sha-256'`)
  await admin.query(`create role reader login password 'pässword 1'`)
  await admin.query('alter system set ssl = on')
  await admin.end()
  await server.stop()
  await server.start()
  return readFileSync(file('server.crt'), 'utf8')
}

describe.each(testDatabases())('on $name', ({ binaries }) => {
  let server: PostgresServer
  let login: ClientConfig

  beforeAll(async () => {
    server = await startPostgres(binaries)
    const ca = await secure(server)
    login = { host: '127.0.0.1', port: server.port, user: 'reader', password: 'pässword 1', database: 'postgres', ssl: { ca } }
  })
  afterAll(() => server.destroy())

  function open(kind: 'thin' | 'pg', options: ClientConfig = {}): Reader {
    const reader = createReader({ connection: { ...login, ...options }, connections: 2, statementTimeoutMs: 30_000, kind })
    onTestFinished(() => reader.close())
    return reader
  }

  async function codeOf(promise: Promise<unknown>): Promise<unknown> {
    return promise.then(
      () => 'no error',
      (error: { code?: unknown }) => error.code,
    )
  }

  describe.each(['thin', 'pg'] as const)('%s', (kind) => {
    test('reads go over a verified TLS connection after SCRAM', async () => {
      const reader = open(kind)
      const text = 'select current_user, ssl, version from pg_stat_ssl where pid = pg_backend_pid()'
      expect(textColumns(await reader.read({ text, values: [] }), 0)).toEqual(['reader', 't', expect.stringMatching(/^TLSv1\.[23]$/)])
    })

    test('SCRAM with channel binding is taken when it is asked for', async () => {
      expect((await open(kind, { enableChannelBinding: true }).read({ text: 'select 1', values: [] })).count).toBe(1)
    })

    test('many reads and megabytes at once arrive whole through TLS', async () => {
      const reader = open(kind)
      const reads = Array.from({ length: 40 }, (_, index) =>
        reader.read({ text: `select $1, repeat('z', 300000)`, values: [`${index}`], name: 'large' }),
      )
      const rows = (await Promise.all(reads)).map((result) => textColumns(result, 0))
      expect(rows).toEqual(Array.from({ length: 40 }, (_, index) => [`${index}`, 'z'.repeat(300_000)]))
    })

    test('a wrong password, a missing password and a plain connection are refused, and no read hangs', async () => {
      const one = { text: 'select 1', values: [] }
      expect(await codeOf(open(kind, { password: 'wrong' }).read(one))).toBe('28P01')
      expect(await codeOf(open(kind, { password: '' }).read(one))).toBe('ECONNRESET')
      expect(await codeOf(open(kind, { ssl: false }).read(one))).toBe('28000')
    })

    test('a certificate that nobody vouches for is refused', async () => {
      expect(await codeOf(open(kind, { ssl: true }).read({ text: 'select 1', values: [] }))).toBe('DEPTH_ZERO_SELF_SIGNED_CERT')
    })

    test('a cancel request goes over TLS as well and ends the statement', async () => {
      const reader = open(kind)
      const text = `select pg_sleep(20), '${kind} cancelled'`
      const controller = new AbortController()
      await reader.read({ text: 'select 1', values: [] })
      await expect.poll(() => reader.stats().connections, patient).toBe(2)
      const slow = codeOf(reader.read({ text, values: [] }, { signal: controller.signal }))
      const running = { text: `select 1 from pg_stat_activity where state = 'active' and query = $1`, values: [text] }
      await expect.poll(async () => (await reader.read(running)).count, patient).toBe(1)
      controller.abort()
      await slow
      await expect.poll(async () => (await reader.read(running)).count, patient).toBe(0)
    })
  })
})
