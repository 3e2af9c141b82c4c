// A1: processes are replaced under steady reads and writes, and no request fails: behind nginx, and several processes on one port.

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { plinth, type RunningPlinth, servePlinth, spawnPlinth, type TemporaryApp } from '../support/cli.ts'
import { hasNginx, startNginx } from '../support/nginx.ts'
import { scratchDatabase, type ScratchDatabase } from '../support/postgres.ts'
import { askWho, pidsOf, plainClose, servedApp } from '../support/served-app.ts'
import { type SteadyLoad, steadyLoad } from '../support/steady-load.ts'
import { amount, report } from './support/amount.ts'
import { neverOverloaded } from './support/child-app.ts'

type Served = RunningPlinth & { readonly url: string }

const reloads = amount(2, 20)
const restarts = amount(2, 50)
const leastRequests = amount(400, 100_000)
const testTimeout = amount(90_000, 600_000)

let database: ScratchDatabase
let sound: TemporaryApp
let careless: TemporaryApp

beforeAll(async () => {
  database = await scratchDatabase()
  sound = servedApp()
  careless = servedApp(plainClose)
  await plinth(['db', 'upgrade'], { cwd: sound.root, env: { DATABASE_URL: database.url } })
})
afterAll(async () => {
  sound.remove()
  careless.remove()
  await database.drop()
})

/** @param drainTime  how long it accepts connections after it was asked to stop */
async function serve(app: TemporaryApp, args: readonly string[], drainTime: string): Promise<Served> {
  return endedWithTest(await servePlinth(['start', ...args], { cwd: app.root, env: settings(drainTime) }))
}

function settings(drainTime: string): Record<string, string> {
  return { DATABASE_URL: database.url, LOG_LEVEL: 'error', DRAIN_TIME: drainTime, ...neverOverloaded }
}

function endedWithTest(child: Served): Served {
  onTestFinished(async () => {
    child.process.kill('SIGKILL')
    await child.exited
  })
  return child
}

function portOf({ url }: Served): number {
  return Number(new URL(url).port)
}

async function enough(load: SteadyLoad): Promise<void> {
  await expect.poll(() => load.requests() >= leastRequests, { timeout: testTimeout }).toBe(true)
}

async function reloadOnce(cluster: Served): Promise<void> {
  const old = pidsOf(await askWho(cluster.url))
  cluster.process.kill('SIGHUP')
  const fresh = async (): Promise<number> => pidsOf(await askWho(cluster.url)).filter((pid) => !old.includes(pid)).length
  await expect.poll(fresh, { timeout: 30_000, interval: 100 }).toBe(2)
}

describe('A1: several processes on one port', () => {
  test(`${reloads} reloads: no request fails`, { timeout: testTimeout }, async () => {
    const cluster = await serve(sound, ['--processes', '2'], '0')
    const load = steadyLoad(portOf(cluster))
    for (let count = 0; count < reloads; count += 1) await reloadOnce(cluster)
    await enough(load)
    const { requests, failures } = await load.stop()
    report(`A1: ${reloads} reloads of two processes on one port: ${requests} requests, ${failures.length} failures`)
    expect(failures.join('\n')).toBe('')
  })

  // Whoever is silent for longer than the two seconds that a retiring process waits may speak at the very moment in which it closes.
  test(
    'connections that are idle for a second and a half while a process is replaced go on: no request fails',
    { timeout: testTimeout },
    async () => {
      const cluster = await serve(sound, ['--processes', '2'], '0')
      const load = steadyLoad(portOf(cluster), { lanes: 40, pauseMs: [500, 1_500] })
      for (let count = 0; count < reloads; count += 1) await reloadOnce(cluster)
      const { requests, failures } = await load.stop()
      report(`A1: ${reloads} reloads with 20 idle connections: ${requests} requests, ${failures.length} failures`)
      expect(failures.join('\n')).toBe('')
    },
  )

  test('control: with server.close() alone requests fail', { timeout: 60_000 }, async () => {
    const cluster = await serve(careless, ['--processes', '2'], '0')
    const load = steadyLoad(portOf(cluster), { lanes: 16, pauseMs: 1 })
    for (let count = 0; count < 3; count += 1) await reloadOnce(cluster)
    const { requests, failures } = await load.stop()
    report(`A1: control, 3 reloads with server.close(): ${requests} requests, ${failures.length} failures`)
    expect(failures.length).toBeGreaterThan(0)
  })
})

describe.skipIf(!hasNginx())('A1: two processes behind nginx', () => {
  test(`${restarts} restarts: no request fails`, { timeout: testTimeout }, async () => {
    const { load, restart } = await behindNginx(sound)
    for (let count = 0; count < restarts; count += 1) await restart('SIGTERM')
    await enough(load)
    const { requests, failures } = await load.stop()
    report(`A1: ${restarts} restarts of two processes behind nginx: ${requests} requests, ${failures.length} failures`)
    expect(failures.join('\n')).toBe('')
  })

  test('control: when they are killed instead, requests fail', { timeout: 60_000 }, async () => {
    const { load, restart } = await behindNginx(sound)
    for (let count = 0; count < 6; count += 1) await restart('SIGKILL')
    const { requests, failures } = await load.stop()
    report(`A1: control, 6 times SIGKILL behind nginx: ${requests} requests, ${failures.length} failures`)
    expect(failures.length).toBeGreaterThan(0)
  })
})

interface Replicas {
  readonly load: SteadyLoad
  /** Ends one of the two, in turn, and starts it again on its port. */
  restart(signal: NodeJS.Signals): Promise<void>
}

async function behindNginx(app: TemporaryApp): Promise<Replicas> {
  const drainTime = '1500ms'
  const replicas = [await serve(app, [], drainTime), await serve(app, [], drainTime)]
  const load = steadyLoad(await startNginx(replicas.map(portOf)))
  let turn = 0
  return {
    load,
    async restart(signal) {
      const index = turn++ % 2
      const replica = replicas[index]
      if (replica === undefined) return
      replica.process.kill(signal)
      await replica.exited
      replicas[index] = await again(app, replica, drainTime)
    },
  }
}

async function again(app: TemporaryApp, replica: Served, drainTime: string): Promise<Served> {
  const env = { ...settings(drainTime), API_PORT: String(portOf(replica)) }
  const child = endedWithTest({ ...spawnPlinth(['start'], { cwd: app.root, env }), url: replica.url })
  await child.says(child.url)
  return child
}
