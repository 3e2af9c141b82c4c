import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { testDatabase, testDatabases } from '../../../test/support/postgres.ts'
import { startEmbedded, type EmbeddedDatabase } from './start.ts'

// initdb and the first checkpoint wait for the disk, which other tests use too.
vi.setConfig({ testTimeout: 60_000 })

const isRoot = process.getuid?.() === 0
const nobody = 65534
/** `daemon` on every Linux. */
const somebody = 1
const nameless = 54_321

function project(mode = 0o755): string {
  const root = mkdtempSync(join(realpathSync(tmpdir()), 'plinth-project-'))
  chmodSync(root, mode)
  onTestFinished(async () => {
    await killServer(root, 'SIGQUIT')
    rmSync(root, { recursive: true, force: true, maxRetries: 5 })
  })
  return root
}

async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

function pidFile(root: string): string {
  return join(root, '.plinth', 'postgres', 'data', 'postmaster.pid')
}

function serverPid(root: string): number | undefined {
  return existsSync(pidFile(root)) ? Number.parseInt(readFileSync(pidFile(root), 'utf8')) : undefined
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function killServer(root: string, signal: NodeJS.Signals): Promise<void> {
  const pid = serverPid(root)
  if (pid === undefined || pid === process.pid || !isAlive(pid)) return
  process.kill(pid, signal)
  while (isAlive(pid)) await sleep(10)
}

interface OtherProcess {
  readonly child: ChildProcess
  readonly database: Pick<EmbeddedDatabase, 'url' | 'reused' | 'version'>
}

/** Starts the project's database in a Node process of its own, which stops it when its standard input ends. */
async function otherProcess(root: string, binaries: string | undefined, user: { uid?: number; gid?: number } = {}): Promise<OtherProcess> {
  const module = fileURLToPath(new URL('start.ts', import.meta.url))
  const script = `
    const { startEmbedded } = await import(${JSON.stringify(module)})
    const { url, reused, version, stop } = await startEmbedded(${JSON.stringify({ root, binaries })})
    console.log(JSON.stringify({ url, reused, version }))
    process.stdin.resume().on('end', () => stop())`
  const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', script], {
    ...user,
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let complaint = ''
  child.stderr.on('data', (chunk) => (complaint += chunk))
  for await (const line of createInterface(child.stdout)) return { child, database: JSON.parse(line) }
  throw new Error(complaint)
}

async function endOf({ child }: OtherProcess, how: 'stop' | 'kill'): Promise<void> {
  const exit = once(child, 'exit')
  if (how === 'stop') child.stdin?.end()
  else child.kill('SIGKILL')
  await exit
}

describe.each(testDatabases())('with the programs of $name', ({ name, binaries }) => {
  test('rows and the URL are the same after a stop and a start', async () => {
    const root = project()
    const first = await startEmbedded({ root, binaries })
    expect(first).toMatchObject({ reused: false, version: expect.stringMatching(`^${name.split(' ')[1]}\\.`) })
    await ask(first.url, 'create table notes as select 1 as id')
    await first.stop()
    expect(serverPid(root)).toBeUndefined()
    const second = await startEmbedded({ root, binaries })
    expect(second.url).toBe(first.url)
    expect(await ask(second.url, 'select id from notes')).toEqual([{ id: 1 }])
    await second.stop()
  })

  test('a server that is killed while it is in use comes back with its rows under the same URL', async () => {
    const root = project()
    const database = await startEmbedded({ root, binaries })
    await ask(database.url, 'create table notes as select 1 as id')
    await killServer(root, 'SIGKILL')
    await expect.poll(() => ask(database.url, 'select id from notes').catch(() => 'not yet'), { timeout: 10_000 }).toEqual([{ id: 1 }])
    await database.stop()
    expect(serverPid(root)).toBeUndefined()
  })

  test('a server outlives a killed application, the next start joins it, and the last to leave stops it', async () => {
    const root = project()
    const other = await otherProcess(root, binaries)
    await ask(other.database.url, 'create table notes as select 1 as id')
    await endOf(other, 'kill')
    const next = await startEmbedded({ root, binaries })
    expect(next).toMatchObject({ reused: true, url: other.database.url })
    expect(await ask(next.url, 'select id from notes')).toEqual([{ id: 1 }])
    await next.stop()
    expect(serverPid(root)).toBeUndefined()
  })

  test('after both the application and the server were killed, the rows are there', async () => {
    const root = project()
    const other = await otherProcess(root, binaries)
    await ask(other.database.url, 'create table notes as select 1 as id')
    await endOf(other, 'kill')
    await killServer(root, 'SIGKILL')
    const next = await startEmbedded({ root, binaries })
    expect(next.reused).toBe(false)
    expect(await ask(next.url, 'select id from notes')).toEqual([{ id: 1 }])
    await next.stop()
  })

  test('processes that start at once share one server', async () => {
    const root = project()
    const others = await Promise.all([1, 2].map(() => otherProcess(root, binaries)))
    expect(new Set(others.map(({ database }) => database.url)).size).toBe(1)
    expect(others.filter(({ database }) => !database.reused)).toHaveLength(1)
    const [first, second] = others as [OtherProcess, OtherProcess]
    await endOf(first, 'stop')
    expect(await ask(first.database.url, 'select 1 as one')).toEqual([{ one: 1 }])
    await endOf(second, 'stop')
    expect(serverPid(root)).toBeUndefined()
  })
})

const { binaries } = testDatabase()

test('a process id in an old postmaster.pid that now belongs to another program does not keep the server from starting', async () => {
  const root = project()
  const first = await startEmbedded({ root, binaries })
  const stale = readFileSync(pidFile(root), 'utf8')
  await first.stop()
  writeFileSync(pidFile(root), stale.replace(/^\d+/, String(process.pid)))
  const second = await startEmbedded({ root, binaries })
  expect(second.reused).toBe(false)
  await second.stop()
})

test('a server that cannot come back at once comes back when it can, and a stop does not wait for it', async () => {
  const root = project()
  const configuration = join(root, '.plinth', 'postgres', 'data', 'postgresql.conf')
  const database = await startEmbedded({ root, binaries })
  const good = readFileSync(configuration, 'utf8')
  writeFileSync(configuration, 'no_such_setting = 1\n')
  await killServer(root, 'SIGKILL')
  await sleep(500)
  await expect(ask(database.url, 'select 1')).rejects.toThrow()
  writeFileSync(configuration, good)
  await expect.poll(() => ask(database.url, 'select 1 as one').catch(() => 'not yet'), { timeout: 20_000 }).toEqual([{ one: 1 }])
  writeFileSync(configuration, 'no_such_setting = 1\n')
  await killServer(root, 'SIGKILL')
  await sleep(200)
  const startedAt = performance.now()
  await database.stop()
  expect(performance.now() - startedAt).toBeLessThan(2_000)
})

test('a remembered port that somebody else has taken is replaced', async () => {
  const root = project()
  const first = await startEmbedded({ root, binaries })
  await first.stop()
  const squatter = createServer().listen(Number(new URL(first.url).port), '127.0.0.1')
  onTestFinished(() => void squatter.close())
  await once(squatter, 'listening')
  const second = await startEmbedded({ root, binaries })
  expect(new URL(second.url).port).not.toBe(new URL(first.url).port)
  expect(await ask(second.url, 'select 1 as one')).toEqual([{ one: 1 }])
  await second.stop()
})

test('data are safe on disk, and nobody gets in without the password or from another machine', async () => {
  const root = project()
  const database = await startEmbedded({ root, binaries })
  const names = ['fsync', 'full_page_writes', 'synchronous_commit', 'listen_addresses', 'server_encoding']
  const settings = await ask(database.url, `select ${names.map((setting) => `current_setting('${setting}') as ${setting}`).join(', ')}`)
  expect(settings).toEqual([
    { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on', listen_addresses: '127.0.0.1', server_encoding: 'UTF8' },
  ])
  const stranger = new URL(database.url)
  stranger.password = 'guess'
  await expect(ask(stranger.href, 'select 1')).rejects.toThrow('password authentication failed')
  expect(statSync(join(root, '.plinth', 'postgres')).mode & 0o077).toBe(0)
  await database.stop()
})

test('without a named folder the programs of the machine or of npm are found, and existing data decide the version', async () => {
  const roots = testDatabases().map((candidate) => ({ ...candidate, root: project() }))
  for (const candidate of roots) {
    const made = await startEmbedded({ root: candidate.root, binaries: candidate.binaries })
    await made.stop()
    const found = await startEmbedded({ root: candidate.root })
    expect(found.version).toBe(made.version)
    await found.stop()
  }
})

test('data of a version that is not installed are left alone, and the message says which one is needed', async () => {
  const root = project()
  await (await startEmbedded({ root, binaries })).stop()
  writeFileSync(join(root, '.plinth', 'postgres', 'data', 'PG_VERSION'), '99\n')
  await expect(startEmbedded({ root })).rejects.toMatchObject({
    code: 'EMBEDDED_OTHER_VERSION',
    message: expect.stringContaining('belong to PostgreSQL 99'),
    hint: expect.stringContaining('Install PostgreSQL 99'),
  })
})

test('a place that cannot be written is named', async () => {
  const root = project()
  writeFileSync(join(root, '.plinth'), 'a file')
  await expect(startEmbedded({ root, binaries })).rejects.toMatchObject({
    code: 'EMBEDDED_FILES',
    message: expect.stringContaining(join(root, '.plinth', 'postgres')),
  })
})

test('a start that PostgreSQL refuses says why, in its words, and where its log is', async () => {
  const root = project()
  await (await startEmbedded({ root, binaries })).stop()
  writeFileSync(join(root, '.plinth', 'postgres', 'data', 'postgresql.conf'), 'no_such_setting = 1\n')
  await expect(startEmbedded({ root, binaries })).rejects.toMatchObject({
    code: 'EMBEDDED_FAILED',
    message: expect.stringMatching(/configuration file .* contains errors/),
    hint: expect.stringContaining('server.log'),
  })
})

describe.runIf(isRoot)('as root', () => {
  test('the server runs as the owner of the project, or as nobody when that is root or has no name', async () => {
    const expected = { 0: nobody, [somebody]: somebody, [nameless]: nobody }
    for (const [owner, user] of Object.entries(expected)) {
      const root = project()
      await chownTo(root, Number(owner))
      const database = await startEmbedded({ root, binaries })
      expect(statSync(`/proc/${serverPid(root)}`).uid).toBe(user)
      await database.stop()
    }
  })

  test('a project in a closed folder has its data elsewhere, and the next start finds them', async () => {
    const root = project(0o700)
    const first = await startEmbedded({ root, binaries })
    const location = readFileSync(join(root, '.plinth', 'postgres', 'location'), 'utf8').trim()
    onTestFinished(() => rmSync(location, { recursive: true, force: true }))
    await ask(first.url, 'create table notes as select 1 as id')
    await first.stop()
    expect(existsSync(join(location, 'data', 'PG_VERSION'))).toBe(true)
    const second = await startEmbedded({ root, binaries })
    expect(await ask(second.url, 'select id from notes')).toEqual([{ id: 1 }])
    await second.stop()
  })

  test('an ordinary user starts it too, and is told when the data are another user’s', async () => {
    const root = project()
    await chownTo(root, somebody)
    const mine = await otherProcess(root, binaries, { uid: somebody, gid: somebody })
    expect(await ask(mine.database.url, 'select 1 as one')).toEqual([{ one: 1 }])
    expect(statSync(`/proc/${serverPid(root)}`).uid).toBe(somebody)
    await endOf(mine, 'stop')
    await expect(otherProcess(root, binaries, { uid: nobody, gid: nobody })).rejects.toThrow('EMBEDDED_OTHER_OWNER')
  })

  test('a full disk is called a full disk', async () => {
    const root = project()
    mkdirSync(join(root, '.plinth'))
    if (!(await mounted(join(root, '.plinth'), '8m'))) return
    await expect(startEmbedded({ root, binaries })).rejects.toMatchObject({
      code: 'EMBEDDED_FAILED',
      hint: expect.stringContaining('The disk is full'),
    })
  })
})

async function chownTo(path: string, uid: number): Promise<void> {
  await once(spawn('chown', [`${uid}:${uid}`, path]), 'exit')
}

/** A small file system of its own; false where the machine does not allow it (containers). */
async function mounted(folder: string, size: string): Promise<boolean> {
  const [status] = await once(spawn('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'plinth-test', folder]), 'exit')
  if (status === 0) onTestFinished(async () => void (await once(spawn('umount', [folder]), 'exit')))
  return status === 0
}
