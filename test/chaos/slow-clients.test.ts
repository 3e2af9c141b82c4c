import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { amount, isLong, report } from '../guarantees/support/amount.ts'
import { failures, loadOn, percentile, type Sample } from './support/load.ts'
import { slackMs, testWorld } from './support/test-world.ts'
import type { World } from './support/world.ts'

const sockets = amount(150, 1_000)
const quietMs = amount(1_000, 5_000)
/** By when every slow socket has to be closed: with the settings of production in the long form. */
const closedMs = amount(5_000, 15_000)
/** Most that the load and the question itself have open. */
const ownConnections = 16
const short = { HEADERS_TIMEOUT: '2s', REQUEST_TIMEOUT: '3s', REPLY_TIMEOUT: '2s' }
const patient = { HEADERS_TIMEOUT: '1h', REQUEST_TIMEOUT: '1h', REPLY_TIMEOUT: '1h' }

/** The three attacks of slowhttptest: headers, body, and reading the answer. Each goes on a little, and never ends. */
const attacks: readonly ((socket: Socket) => (() => void) | undefined)[] = [
  (socket) => {
    socket.write('GET /api/notes HTTP/1.1\r\nHost: a\r\n')
    return () => socket.write('X-Slow: 1\r\n')
  },
  (socket) => {
    socket.write('POST /api/notes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"title":"')
    return () => socket.write('x')
  },
  (socket) => {
    socket.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n')
    socket.pause()
    return undefined
  },
]

/** Slow sockets, until the test ends. */
function attack({ app }: World): void {
  for (let index = 0; index < sockets; index += 1) {
    const socket = connect(app.port, '127.0.0.1')
    socket.on('error', () => socket.destroy())
    const drip = attacks[index % attacks.length]?.(socket)
    const timer = setInterval(() => {
      if (!socket.destroyed && !socket.writableEnded) drip?.()
    }, 500)
    onTestFinished(() => {
      clearInterval(timer)
      socket.destroy()
    })
  }
}

/** Connections of the server beside those of the caller itself. Who does not read is not told that his is closed, so it is the server that is asked. */
async function slowConnections({ app }: World): Promise<number> {
  const { connections } = (await app.send({ path: '/connections' })).json() as { connections: number }
  return Math.max(0, connections - ownConnections)
}

const quick = {
  read: (count: number) => ({ path: `/api/notes/${(count % 10) + 1}` }),
  write: () => ({ method: 'POST', path: '/api/notes', body: { title: 'load' } }),
}

async function ordinary(world: World, ms: number): Promise<readonly Sample[]> {
  const load = loadOn(world.app, quick, { lanes: 4, pauseMs: 10 })
  await sleep(ms)
  return load.stop()
}

async function besiege(settings: Readonly<Record<string, string>>) {
  const world = await testWorld({ redis: false, settings })
  const before = await ordinary(world, quietMs)
  attack(world)
  const meanwhile = await ordinary(world, closedMs)
  return { world, before, meanwhile }
}

describe('A9: slow clients', () => {
  test('they hold up nobody, and every one of them is closed in time', { timeout: 90_000 }, async () => {
    const { world, before, meanwhile } = await besiege(isLong ? {} : short)
    expect(failures([...before, ...meanwhile])).toEqual([])
    expect(percentile(meanwhile, 0.99)).toBeLessThan(2 * percentile(before, 0.99) + 250)
    await expect.poll(() => slowConnections(world), { timeout: slackMs }).toBe(0)
    report(
      `A9: ${sockets} slow sockets; p99 of others ${percentile(before, 0.99)} ms before and ${percentile(meanwhile, 0.99)} ms meanwhile; all closed within ${closedMs / 1000} s`,
    )
  })

  test('control: with patience for them they stay', { timeout: 90_000 }, async () => {
    const { world } = await besiege(patient)
    await sleep(slackMs)
    expect(await slowConnections(world)).toBeGreaterThan(sockets / 2)
  })
})
