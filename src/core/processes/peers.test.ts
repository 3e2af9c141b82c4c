import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createBus } from './bus.ts'
import type { FromWorker, ToWorker } from './messages.ts'
import { PeerLink } from './peer-link.ts'
import { noPeers, type Peers } from './peers.ts'
import { Switchboard } from './switchboard.ts'

/** Workers and a primary, joined as node:cluster joins them: messages are text and arrive later. */
function machine(numbers: readonly number[]) {
  const switchboard = new Switchboard()
  const join = (number: number) => {
    const incoming = new EventEmitter()
    const line = { number, send: (message: ToWorker) => later(() => incoming.emit('message', copy(message))) }
    const channel = Object.assign(incoming, {
      connected: true,
      send: (message: unknown) => later(() => switchboard.receive(line, copy(message as FromWorker))),
    })
    switchboard.connect(line)
    return { link: new PeerLink(number, channel), line, channel }
  }
  return { switchboard, workers: numbers.map(join) }
}

function copy<message>(message: message): message {
  return JSON.parse(JSON.stringify(message)) as message
}

function later(work: () => void): boolean {
  setImmediate(work)
  return true
}

function all(workers: readonly { readonly link: PeerLink }[], question: string, answer: (worker: number, payload: unknown) => unknown) {
  for (const { link } of workers) link.respond(question, (payload) => answer(link.worker, payload))
}

test('every process answers, in order of their numbers, the primary first', async () => {
  const { switchboard, workers } = machine([1, 2, 3])
  all(workers, 'double', (worker, payload) => worker * (payload as number))
  switchboard.respond('double', (payload) => `primary ${payload as number}`)
  expect(await workers[1]?.link.ask('double', 10)).toEqual([
    { worker: 0, answer: 'primary 10' },
    { worker: 1, answer: 10 },
    { worker: 2, answer: 20 },
    { worker: 3, answer: 30 },
  ])
})

test('questions asked at once do not get each other’s answers', async () => {
  const { workers } = machine([1, 2])
  all(workers, 'echo', (_worker, payload) => payload)
  const asked = workers.flatMap(({ link }) => [1, 2, 3].map((payload) => link.ask('echo', `${link.worker}.${payload}`)))
  const answers = (await Promise.all(asked)).map((list) => list.map(({ answer }) => answer))
  expect(answers).toEqual(['1.1', '1.2', '1.3', '2.1', '2.2', '2.3'].map((text) => [text, text]))
})

test('a process that does not answer is told apart from one that has gone', async () => {
  const { switchboard, workers } = machine([1, 2, 3])
  all(workers, 'slow', (worker) => (worker === 1 ? 'here' : new Promise(() => {})))
  const answers = workers[0]?.link.ask('slow')
  await sleep(20)
  if (workers[2] !== undefined) switchboard.disconnect(workers[2].line)
  expect(await answers).toEqual([{ worker: 1, answer: 'here' }, { worker: 2 }])
})

test('a responder that throws, and a question that nobody knows, have no answer', async () => {
  const { workers } = machine([1, 2])
  all(workers, 'broken', () => {
    throw new Error('no')
  })
  expect(await workers[0]?.link.ask('broken')).toEqual([{ worker: 1 }, { worker: 2 }])
  expect(await workers[0]?.link.ask('unknown')).toEqual([{ worker: 1 }, { worker: 2 }])
})

test('a worker whose primary has gone answers for itself', async () => {
  const { workers } = machine([1, 2])
  all(workers, 'who', (worker) => worker)
  if (workers[0] !== undefined) workers[0].channel.connected = false
  expect(await workers[0]?.link.ask('who')).toEqual([{ worker: 1, answer: 1 }])
})

test('what the primary asks for first is what counts, also when it is asked for before anybody looks', async () => {
  const { workers } = machine([1])
  workers[0]?.line.send({ plinth: 'retire' })
  workers[0]?.line.send({ plinth: 'stop' })
  await sleep(5)
  expect(await workers[0]?.link.ending).toBe('retire')
})

describeBus('of one process', () => [noPeers()])
describeBus('of three processes', () => machine([1, 2, 3]).workers.map(({ link }) => link))

function describeBus(name: string, open: () => Peers[]) {
  test(`the bus ${name}: every process gets what is published, in order, once, on its channel alone`, async () => {
    const buses = open().map(createBus)
    const got = buses.map(() => [] as string[])
    buses.forEach((bus, index) => bus.subscribe('rows', (message) => got[index]?.push(message)))
    buses.forEach((bus, index) => bus.subscribe('other', () => got[index]?.push('wrong')))
    const [first] = buses
    const published = ['one', 'two', 'three'].map((message) => first?.publish('rows', message))
    expect(got[0]).toEqual(['one', 'two', 'three']) // its own before publish returns
    expect(await Promise.all(published)).toEqual([true, true, true])
    expect(got).toEqual(buses.map(() => ['one', 'two', 'three']))
  })

  test(`the bus ${name}: a subscription can be ended, and others of the channel stay`, async () => {
    const [bus] = open().map(createBus)
    const got: string[] = []
    const end = bus?.subscribe('rows', () => got.push('first'))
    bus?.subscribe('rows', () => got.push('second'))
    end?.()
    await bus?.publish('rows', '')
    expect(got).toEqual(['second'])
  })
}

test('the bus says when a process has not confirmed a message', async () => {
  const { workers } = machine([1, 2])
  const bus = createBus(workers[0]?.link ?? noPeers())
  all(workers.slice(1), 'bus', () => new Promise(() => {}))
  expect(await bus.publish('rows', 'x')).toBe(false)
})
