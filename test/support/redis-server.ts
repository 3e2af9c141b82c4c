// A throw-away Redis server on a free loopback port, for tests that kill, freeze, empty or fill it.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, closeSync, copyFileSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './postgres-server.ts'
import { serverUser } from './server-user.ts'
import { removeFolder, temporaryFolder } from './temporary.ts'

const startDeadlineMs = 10_000
const answerDeadlineMs = 5_000

/** Nothing is written to disk unless it is asked for (`SAVE`); locks of the cache must not be evicted. */
const settings: Record<string, string> = {
  bind: '127.0.0.1',
  save: '',
  appendonly: 'no',
  'maxmemory-policy': 'volatile-lru',
  'set-proc-title': 'no', // `sweepServers` knows its servers by their folder
}

export interface RedisServer {
  readonly port: number
  readonly url: string
  readonly pid: number
  /** The server's output so far. */
  log(): string
  signal(signal: NodeJS.Signals): void
  /** Sends one command whose words have no spaces, and returns its answer as Redis writes it: `+OK`, `:1`, `$-1` … */
  command(...words: readonly string[]): Promise<string>
  /** Ends the server at once, frozen or not; it keeps port and dump for `start`. */
  stop(): Promise<void>
  /** @param more  settings, over those of the first start */
  start(more?: Record<string, string>): Promise<void>
  /** What the server holds now, as a dump that `restore` brings back. */
  save(name: string): Promise<void>
  /** For a stopped server: it will start with that dump. */
  restore(name: string): void
  /** Ends the server and removes its folder. */
  destroy(): Promise<void>
}

/**
 * @param extra  settings, over the defaults: `{ requirepass: 'secret', maxmemory: '5mb' }`
 * @throws       Error with the server's output when it does not answer within 10 s
 */
export async function startRedis(extra: Record<string, string> = {}): Promise<RedisServer> {
  const folder = makeFolder()
  const port = await freePort()
  const logFile = join(folder, 'log')
  const log = (): string => readFileSync(logFile, 'utf8')
  const dump = (name: string): string => join(folder, `${name}.rdb`)
  const password = extra['requirepass'] ?? ''
  const command = (...words: readonly string[]): Promise<string> => ask(port, password, words)
  let server: ChildProcess | undefined

  const start = async (more: Record<string, string> = {}): Promise<void> => {
    server = launch(folder, { ...settings, ...extra, ...more, port: String(port) })
    await ready(server, command, log)
  }
  const stop = async (): Promise<void> => {
    if (server !== undefined) await kill(server)
  }
  const destroy = async (): Promise<void> => {
    await stop()
    removeFolder(folder)
  }
  await start()
  return {
    port,
    url: `redis://${password === '' ? '' : `:${password}@`}127.0.0.1:${port}`,
    get pid() {
      return server?.pid ?? 0
    },
    log,
    signal: (name) => void server?.kill(name),
    command,
    stop,
    start,
    async save(name) {
      await command('SAVE')
      copyFileSync(dump('dump'), dump(name))
    },
    restore(name) {
      rmSync(dump('dump'), { force: true })
      copyFileSync(dump(name), dump('dump'))
    },
    destroy,
  }
}

function makeFolder(): string {
  const folder = temporaryFolder('redis')
  const { uid, gid } = serverUser()
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid)
  return folder
}

function launch(folder: string, options: Record<string, string>): ChildProcess {
  const flags = Object.entries({ ...options, dir: folder }).flatMap(([name, value]) => [`--${name}`, value])
  const log = openSync(join(folder, 'log'), 'a')
  const server = spawn('redis-server', flags, { ...serverUser(), cwd: folder, stdio: ['ignore', log, log] })
  closeSync(log)
  writeFileSync(join(folder, 'pid'), String(server.pid))
  return server
}

async function ready(server: ChildProcess, command: RedisServer['command'], log: () => string): Promise<void> {
  const failed = new Promise<never>((_resolve, reject) => server.once('error', reject))
  const deadline = Date.now() + startDeadlineMs
  const answers = async (): Promise<boolean> => (await command('PING').catch(() => '')) === '+PONG'
  while (!(await Promise.race([answers(), failed]))) {
    if (server.exitCode !== null) throw new Error(`redis-server ended with code ${server.exitCode}:\n${log()}`)
    if (Date.now() > deadline) throw new Error(`redis-server did not answer within ${startDeadlineMs} ms:\n${log()}`)
    await sleep(10)
  }
}

async function kill(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const exited = once(server, 'exit')
  server.kill('SIGKILL')
  await exited
}

/** One line of an answer is enough for what is asked here. */
async function ask(port: number, password: string, words: readonly string[]): Promise<string> {
  const commands = [...(password === '' ? [] : [['AUTH', password]]), words]
  const socket = connect(port, '127.0.0.1')
  try {
    const signal = AbortSignal.timeout(answerDeadlineMs)
    await once(socket, 'connect', { signal })
    socket.write(commands.map((command) => `${command.join(' ')}\r\n`).join(''))
    let text = ''
    while (text.split('\r\n').length <= commands.length) {
      const [chunk] = (await once(socket, 'data', { signal })) as [Buffer]
      text += chunk.toString()
    }
    return text.split('\r\n')[commands.length - 1] ?? ''
  } finally {
    socket.destroy()
  }
}

/** Whether tests can start one: it is on PATH. */
export function hasRedis(): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, 'redis-server')))
}
