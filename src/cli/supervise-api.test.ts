import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { plinth, repository, servePlinth, spawnPlinth, type RunningPlinth } from '../../test/support/cli.ts'
import { freePort } from '../../test/support/postgres-server.ts'
import { scratchDatabase, type ScratchDatabase } from '../../test/support/postgres.ts'
import { askWho, pidsOf, servedApp, versionFile } from '../../test/support/served-app.ts'
import { steadyLoad } from '../../test/support/steady-load.ts'

type Served = RunningPlinth & { readonly url: string }

const app = servedApp()
let database: ScratchDatabase
const running: RunningPlinth[] = []

beforeAll(async () => {
  database = await scratchDatabase()
  await plinth(['db', 'upgrade'], { cwd: app.root, env: { DATABASE_URL: database.url } })
})
afterEach(async () => {
  for (const child of running.splice(0)) {
    child.process.kill('SIGKILL') // its workers end with it
    await child.exited
  }
})
afterAll(async () => {
  await database.drop()
  app.remove()
})

async function serve(args: readonly string[] = [], env: Record<string, string> = {}, group = false): Promise<Served> {
  const options = { cwd: app.root, env: { DATABASE_URL: database.url, ...env } }
  const child = await servePlinth(['start', '--processes', '2', ...args], options, group)
  running.push(child)
  return child
}

/** Process ids, separated by spaces. */
function childrenOf(pid = 0): string {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function pidsAt({ url }: Served): Promise<number[]> {
  return pidsOf(await askWho(url))
}

/** Worker pids once there are two that are not among `old`. */
async function freshPids(child: Served, old: readonly number[]): Promise<number[]> {
  let pids: number[] = []
  await expect.poll(async () => (pids = (await pidsAt(child)).filter((pid) => !old.includes(pid))), { timeout: 20_000 }).toHaveLength(2)
  return pids
}

async function detailsAt({
  url,
}: {
  readonly url: string
}): Promise<{ primary: { pid: number; restarts: number }; workers: { worker: number; pid: number }[] }> {
  return (await (await fetch(`${url}/health/details`)).json()) as never
}

test('two processes serve at one port; the database is prepared once, and it is said once where they are', async () => {
  const fresh = await scratchDatabase()
  onTestFinished(() => fresh.drop())
  const child = await serve(['--prepare'], { DATABASE_URL: fresh.url, LOG_LEVEL: 'warn' })
  const pids = await pidsAt(child)
  expect(pids).toHaveLength(2)
  expect(pids).not.toContain(child.process.pid)
  expect(child.stdout().trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^applied {2}0001_create_items {2}\d+ ms$/),
    'items is running in 2 processes',
    `  API   ${child.url}/api`,
    `  Docs  ${child.url}/docs`,
    `  Reload with kill -HUP ${child.process.pid}`,
    '  Stop with Ctrl+C',
  ])
  expect(child.stderr()).toBe('')
  expect(((await (await fetch(`${child.url}/api/items`)).json()) as { data: unknown[] }).data).toHaveLength(3)
})

test('one process is the default and what 1 means: no primary', async () => {
  const child = await servePlinth(['start', '--processes', '1'], { cwd: app.root, env: { DATABASE_URL: database.url } })
  running.push(child)
  expect(await pidsAt({ ...child })).toEqual([child.process.pid])
})

test('auto is a process for each core, and more are as good', async () => {
  const child = await servePlinth(['start', '--processes', 'auto'], { cwd: app.root, env: { DATABASE_URL: database.url } })
  running.push(child)
  const { workers, primary } = await detailsAt(child)
  expect(workers.length).toBeGreaterThan(0)
  expect(primary.pid).toBe(child.process.pid)
})

test.each(['0', 'two', '-1', '1.5', '5000', ''])('--processes %j is refused with exit code 2', async (processes) => {
  const { code, stderr } = await plinth(['start', `--processes=${processes}`], { cwd: app.root })
  expect(code).toBe(2)
  expect(stderr).toContain('It must be auto or a number from 1 to 1024.')
})

describe('what is said of all of them', () => {
  test('a scrape has every request once, by process, whichever answers', async () => {
    const child = await serve()
    for (let count = 0; count < 12; count += 1) await fetch(`${child.url}/api/items`, { headers: { connection: 'close' } })
    for (let scrape = 0; scrape < 2; scrape += 1) {
      const text = await (await fetch(`${child.url}/metrics`, { headers: { connection: 'close' } })).text()
      const counts = [...text.matchAll(/^http_requests_total\{method="GET",route="\/api\/items",status="200",worker="[12]"\} (\d+)$/gm)]
      expect(counts).toHaveLength(2)
      expect(counts.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(12)
      expect(text).toContain('plinth_worker_up{worker="2"} 1')
    }
  })

  test('the details list every process', async () => {
    const child = await serve()
    const details = await detailsAt(child)
    expect(details.workers.map(({ worker }) => worker)).toEqual([1, 2])
    expect(details.workers.map(({ pid }) => pid).toSorted((a, b) => a - b)).toEqual(await pidsAt(child))
    expect(details.primary).toMatchObject({ pid: child.process.pid, restarts: 0 })
  })

  test('every line names its process, is whole, and stands in one file that rotates', async () => {
    const child = await serve([], { LOG_FORMAT: 'json', LOG_DIR: 'some-logs', LOG_FILE_SIZE: '64KB', LOG_FILES: '900' })
    const asked = Array.from({ length: 40 }, () => fetch(`${child.url}/long-line`, { headers: { connection: 'close' } }))
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(asked.map(() => 200))
    child.process.kill('SIGTERM')
    expect(await child.exited).toBe(0)
    const folder = join(app.root, 'some-logs')
    const filed = readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'))
    const printed = child
      .stdout()
      .split('\n')
      .filter((line) => line.startsWith('{'))
    for (const lines of [filed, printed]) {
      const parsed = lines.map((line) => JSON.parse(line) as { process: string; message: string; text?: string })
      const long = parsed.filter(({ message }) => message === 'long')
      expect(long.map(({ text }) => text?.length)).toEqual(Array.from({ length: 40 }, () => 60_000))
      expect(new Set(long.map(({ process }) => process))).toEqual(new Set(['worker 1', 'worker 2']))
      expect(parsed.filter(({ message }) => message === 'request')).toHaveLength(40)
      expect(parsed.find(({ message }) => message === 'stopping')?.process).toBe('primary')
    }
  })
})

describe('a process that ends by itself', () => {
  test('is replaced, while the other serves on', async () => {
    const child = await serve()
    const [first = 0, second = 0] = await pidsAt(child)
    process.kill(first, 'SIGKILL')
    expect(await pidsAt(child)).toContain(second)
    expect(await freshPids(child, [first])).toContain(second)
    expect((await detailsAt(child)).primary.restarts).toBe(1)
    expect(child.stdout()).toContain('a worker ends by itself and is replaced')
    expect(await (await fetch(`${child.url}/metrics`)).text()).toContain('plinth_worker_restarts_total 1')
  })

  test('after an unhandled rejection it finishes its requests while the next one is started already', async () => {
    const child = await serve()
    const [rejected, slow] = await Promise.all([fetch(`${child.url}/rejects`), fetch(`${child.url}/slow`)])
    expect([rejected.status, slow.status]).toEqual([200, 200])
    await expect.poll(async () => (await detailsAt(child)).primary.restarts, { timeout: 10_000 }).toBe(1)
    expect(await freshPids(child, [])).toHaveLength(2)
  })

  test('takes no connection with it that it had not accepted yet', async () => {
    const child = await serve()
    const [frozen = 0] = await pidsAt(child)
    process.kill(frozen, 'SIGSTOP')
    const sockets = Array.from({ length: 4 }, () => ask(child, '/who'))
    await sleep(300)
    process.kill(frozen, 'SIGKILL')
    const answers = await Promise.all(sockets)
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('when all end as soon as they have started, the start has failed: exit code 1, and why', async () => {
    app.write('api/version.ts', `export const version = 1\nsetTimeout(() => process.exit(3), 700)\n`)
    onTestFinished(() => app.write('api/version.ts', versionFile(1)))
    const child = spawnPlinth(['start', '--processes', '2'], { cwd: app.root, env: { DATABASE_URL: database.url, API_PORT: '0' } })
    running.push(child)
    expect(await child.exited).toBe(1)
    expect(child.stderr()).toContain('Every process of the application ends soon after its start.')
    expect(child.stdout().match(/is replaced/g)?.length).toBeGreaterThanOrEqual(4)
  })
})

describe('a start that fails', () => {
  test.each<{ what: string; env: Record<string, string>; says: string; code: number }>([
    { what: 'a mistake in the configuration', env: { API_PORT: 'eighty' }, says: 'API_PORT must be', code: 1 },
    { what: 'an address that is not here', env: { API_HOST: '203.0.113.7', API_PORT: '0' }, says: 'cannot listen', code: 1 },
  ])('$what is said once, with the exit code of a single process', async ({ env, says, code }) => {
    const finished = await plinth(['start', '--processes', '2'], { cwd: app.root, env: { DATABASE_URL: database.url, ...env } })
    expect([finished.code, finished.stdout]).toEqual([code, ''])
    expect(finished.stderr.split(says)).toHaveLength(2)
  })

  test('no application is a wrong call: 2', async () => {
    const { code, stderr } = await plinth(['start', '--processes', '2'], { cwd: '/' })
    expect([code, stderr.split('There is no application here')]).toEqual([2, ['', expect.any(String)]])
  })
})

describe('its end', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s finishes the requests of all processes, and ends with 0', async (signal) => {
    const child = await serve()
    const pids = await pidsAt(child)
    const answers = Array.from({ length: 6 }, () => fetch(`${child.url}/slow`, { headers: { connection: 'close' } }))
    await sleep(200)
    child.process.kill(signal)
    for (const answer of answers) expect(await (await answer).json()).toEqual({ finished: true })
    expect(await child.exited).toBe(0)
    expect(pids.filter(isAlive)).toEqual([])
  })

  test('Ctrl+C, which the terminal sends to every process, is no different', async () => {
    const child = await serve([], {}, true)
    const answer = fetch(`${child.url}/slow`)
    await sleep(200)
    process.kill(-(child.process.pid ?? 0), 'SIGINT')
    expect(await (await answer).json()).toEqual({ finished: true })
    expect(await child.exited).toBe(0)
    expect(child.stdout()).not.toContain('is replaced')
  })

  test('a second signal, a second later, ends all at once with 130', async () => {
    const child = await serve([], { DRAIN_TIME: '20s' })
    const pids = await pidsAt(child)
    child.process.kill('SIGTERM')
    await sleep(1_200)
    child.process.kill('SIGTERM')
    expect(await child.exited).toBe(130)
    await expect.poll(() => pids.filter(isAlive), { timeout: 5_000 }).toEqual([])
  })

  test('a signal during the start ends it with 0', async () => {
    const child = spawnPlinth(['start', '--processes', '2'], { cwd: app.root, env: { DATABASE_URL: database.url, API_PORT: '0' } })
    running.push(child)
    // With its first worker it has begun, and that one takes a while to serve.
    await expect.poll(() => childrenOf(child.process.pid), { timeout: 20_000, interval: 10 }).not.toBe('')
    child.process.kill('SIGTERM')
    expect([await child.exited, child.stderr()]).toEqual([0, ''])
  })

  test('when its terminal is closed it ends; while that is open SIGHUP is a reload', async () => {
    const port = await freePort()
    const command = `exec ${process.execPath} ${join(repository, 'bin/plinth.js')} start --processes 2`
    const env = { ...process.env, DATABASE_URL: database.url, API_PORT: String(port), LOG_LEVEL: 'info' }
    const terminal = spawn('script', ['-qfc', command, '/dev/null'], { cwd: app.root, env, stdio: ['ignore', 'pipe', 'ignore'] })
    onTestFinished(() => void terminal.kill('SIGKILL'))
    let output = ''
    terminal.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    await expect.poll(() => output, { timeout: 20_000 }).toContain('Stop with Ctrl+C')
    const { primary, workers } = await detailsAt({ url: `http://127.0.0.1:${port}` })
    process.kill(primary.pid, 'SIGHUP')
    await expect.poll(() => output, { timeout: 20_000 }).toContain('reloaded')
    terminal.kill('SIGKILL')
    await expect.poll(() => [primary, ...workers].map(({ pid }) => pid).filter(isAlive), { timeout: 15_000 }).toEqual([])
  })

  test('when the primary is killed its workers end too', async () => {
    const child = await serve()
    const pids = await pidsAt(child)
    child.process.kill('SIGKILL')
    await expect.poll(() => pids.filter(isAlive), { timeout: 5_000 }).toEqual([])
  })
})

describe('a reload', () => {
  beforeEach(() => app.write('api/version.ts', versionFile(1)))
  afterEach(() => app.write('.env', ''))

  test('brings new code and a new .env without a failed request', async () => {
    const child = await serve([], { LOG_LEVEL: 'warn' })
    const old = await pidsAt(child)
    const load = steadyLoad(Number(new URL(child.url).port))
    app.write('api/version.ts', versionFile(2))
    app.write('.env', 'JSON_ITEMS=77\n')
    child.process.kill('SIGHUP')
    await freshPids(child, old)
    await expect.poll(() => old.filter(isAlive), { timeout: 10_000 }).toEqual([])
    const { requests, failures } = await load.stop()
    expect(failures).toEqual([])
    expect(requests).toBeGreaterThan(50)
    for (const who of await askWho(child.url)) expect(who).toMatchObject({ version: 2, setting: 77 })
    expect((await detailsAt(child)).primary.restarts).toBe(0)
  })

  test('a version that does not start leaves the old one serving and is said; when it is mended the next reload takes it', async () => {
    const child = await serve()
    const old = await pidsAt(child)
    app.write('api/version.ts', 'this is no program')
    child.process.kill('SIGHUP')
    await child.says('the new version does not start; the old one goes on serving')
    expect(child.stderr()).toContain('version.ts')
    expect(await pidsAt(child)).toEqual(old)
    app.write('api/version.ts', versionFile(3))
    child.process.kill('SIGHUP')
    await freshPids(child, old)
    expect((await askWho(child.url)).map(({ version }) => version)).toEqual(Array.from({ length: 8 }, () => 3))
  })

  test('a process that leaves stays ready for probes, and tells its clients to come back', async () => {
    const child = await serve()
    const socket = connect(Number(new URL(child.url).port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    const first = await exchange(socket, '/who')
    const pid = (JSON.parse(first.split('\r\n\r\n')[1] ?? '') as { pid: number }).pid
    child.process.kill('SIGHUP')
    await expect.poll(async () => (await pidsAt(child)).includes(pid), { timeout: 10_000 }).toBe(false)
    const last = await exchange(socket, '/health/ready')
    expect([last, first.toLowerCase()]).toEqual([
      expect.stringMatching(/^HTTP\/1\.1 200 .*connection: close/is),
      expect.not.stringContaining('connection: close'),
    ])
  })
})

test('the embedded database is started once, shared, survives its users, and is stopped with the last', async () => {
  const child = await servePlinth(['start', '--processes', '2', '--prepare'], { cwd: app.root })
  running.push(child)
  const pidFile = join(app.root, '.plinth/postgres/data/postmaster.pid')
  const server = readFileSync(pidFile, 'utf8').split('\n')[0]
  const old = await pidsAt(child)
  for (const pid of old) process.kill(pid, 'SIGKILL')
  await expect.poll(() => askWho(child.url, 1).catch(() => []), { timeout: 20_000 }).toHaveLength(1)
  await freshPids(child, old)
  expect((await fetch(`${child.url}/api/items`)).status).toBe(200)
  expect(readFileSync(pidFile, 'utf8').split('\n')[0]).toBe(server)
  child.process.kill('SIGTERM')
  expect(await child.exited).toBe(0)
  expect(existsSync(pidFile)).toBe(false)
})

test('what is more than the connections allowed is closed, and nobody is busy with it', async () => {
  const child = await serve([], { CONNECTIONS: '3' })
  const port = Number(new URL(child.url).port)
  const sockets = Array.from({ length: 10 }, () => connect(port, '127.0.0.1'))
  onTestFinished(() => sockets.forEach((socket) => socket.destroy()))
  let closed = 0
  for (const socket of sockets) socket.on('close', () => (closed += 1)).on('error', () => undefined)
  await expect.poll(() => closed).toBe(4)
  const before = cpuTicks(child.process.pid)
  await sleep(1_000)
  expect(cpuTicks(child.process.pid) - before).toBeLessThan(20) // of 100 in a second
})

/** User and system time of a process, in hundredths of a second. */
function cpuTicks(pid = 0): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  return Number(fields[11]) + Number(fields[12])
}

/** The answer to one request on a connection of its own; what came until it was closed, or nothing did for 5 s. */
async function ask(child: Served, path: string): Promise<string> {
  const socket = connect(Number(new URL(child.url).port), '127.0.0.1')
  try {
    return await exchange(socket, path)
  } finally {
    socket.destroy()
  }
}

async function exchange(socket: Socket, path: string): Promise<string> {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
  const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(5_000) })) as [Buffer]
  return answer.toString()
}
