// What is told of a request is heard in its name: later chunks of its body, its end, its connection. In the name of nobody it would be in all tenants.

import { EventEmitter, once } from 'node:events'
import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { testServer } from '../../test/support/http-server.ts'
import { anonymousCaller } from '../core/caller.ts'
import { tenantInForce } from '../core/tenant.ts'
import { hearConnection } from './request-events.ts'

/** A server whose requests act in the tenant that the header `tenant` names, and what was in force when something was heard. */
async function listening(handle: (request: FastifyRequest, reply: FastifyReply, hear: (what: string) => () => void) => unknown) {
  const server = testServer({}, { hasTenants: true })
  const heard = new Map<string, string[]>()
  const events = new EventEmitter()
  const note = (what: string): void => {
    heard.set(what, [...(heard.get(what) ?? []), tenantInForce()])
    events.emit(what)
  }
  server.app.addHook('onRequest', (request, _reply, done) => {
    if (request.exchange !== null) request.exchange.caller = { ...anonymousCaller, tenant: String(request.headers['tenant']) }
    done()
  })
  server.app.addContentTypeParser('text/odd', (_request, payload, done) => {
    payload.on('data', () => note('data'))
    payload.once('end', () => {
      note('end')
      done(null, 'body')
    })
  })
  server.app.addHook('onError', async () => note('error'))
  server.app.post('/', (request, reply) => handle(request, reply, (what) => () => note(what)))
  onTestFinished(() => server.app.close())
  return { port: await server.listen(), heard, events }
}

async function post(port: number, tenant: string, agent: Agent): Promise<void> {
  const outgoing = httpRequest({
    port,
    host: '127.0.0.1',
    path: '/',
    method: 'POST',
    agent,
    headers: { tenant, 'content-type': 'text/odd' },
  })
  outgoing.write('first')
  await sleep(30)
  outgoing.end('second')
  const [incoming] = await once(outgoing, 'response')
  await once(incoming.resume(), 'end')
}

test('chunks of a body, ends, timers and the connection, of each request on its own', async () => {
  const { port, heard, events } = await listening((request, reply, hear) => {
    request.raw.on('close', hear('request close'))
    reply.raw.on('finish', hear('reply finish'))
    reply.raw.on('close', hear('reply close'))
    request.raw.socket.on('close', hear('connection close'))
    request.raw.socket.once('close', hear('connection close, once'))
    setTimeout(hear('timer'), 1)
    request.raw.socket.setTimeout(60_000, hear('never'))
    return { ok: true }
  })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const closed = once(events, 'connection close, once')
  await post(port, 'north', agent)
  await post(port, 'south', agent)
  agent.destroy()
  await closed
  await sleep(20)
  const [north, south] = ['north', 'south']
  expect(heard.get('data')).toEqual([north, north, south, south])
  for (const what of ['end', 'request close', 'reply finish', 'reply close', 'connection close', 'connection close, once', 'timer'])
    expect([...(heard.get(what) ?? [])].toSorted(), what).toEqual([north, south])
  expect(tenantInForce()).toBe('*')
})

test('what is refused before anything is done for it, too', async () => {
  const { port, heard } = await listening(() => ({ ok: true }))
  const socket = connect(port, '127.0.0.1')
  socket.end('POST /?a=%00 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')
  await once(socket.resume(), 'close')
  // Of nobody's tenant: who asks is not found out any more.
  expect(heard.get('error')).toEqual([''])
})

test('a client that goes away before its answer', async () => {
  const { port, heard, events } = await listening(async (request, reply, hear) => {
    request.raw.on('close', hear('request close'))
    reply.raw.on('close', hear('reply close'))
    request.raw.socket.on('close', hear('connection close'))
    hear('begun')()
    await sleep(50)
    return { ok: true }
  })
  const [begun, gone] = [once(events, 'begun'), once(events, 'reply close')]
  const socket = connect(port, '127.0.0.1')
  socket.write('POST / HTTP/1.1\r\nHost: a\r\ntenant: north\r\nContent-Type: text/odd\r\nContent-Length: 1\r\n\r\nx')
  await begun
  socket.destroy()
  await gone
  await sleep(70)
  for (const what of ['request close', 'reply close', 'connection close']) expect(heard.get(what), what).toEqual(['north'])
})

test('listeners of a connection are taken away as ever', async () => {
  const { port, heard, events } = await listening((request, _reply, hear) => {
    const { socket } = request.raw
    const [first, second, third] = [hear('first'), hear('second'), hear('third')]
    socket.on('odd', first).once('odd', second).prependOnceListener('odd', third)
    socket.off('odd', first).off('odd', second)
    hear(`left ${socket.listenerCount('odd')}`)()
    socket.emit('odd')
    socket.emit('odd')
    hear(`left ${socket.listenerCount('odd')}`)()
    return { ok: true }
  })
  const agent = new Agent()
  await post(port, 'north', agent)
  expect(Object.fromEntries(heard)).toMatchObject({ 'left 1': ['north'], 'left 0': ['north'], third: ['north'] })
  expect([heard.has('first'), heard.has('second')]).toEqual([false, false])
  expect(events.listenerCount('odd')).toBe(0)
})

test('a listener that is heard once takes itself away, and not the same one that is heard always', () => {
  const connection = new EventEmitter()
  hearConnection(connection)
  const heard: string[] = []
  const listener = (): void => void heard.push('heard')
  connection.once('odd', listener)
  connection.on('odd', listener)
  const counts = [1, 2, 3].map(() => {
    heard.length = 0
    connection.emit('odd')
    return heard.length
  })
  expect(counts).toEqual([2, 1, 1])
})

test('outside of requests nothing is added but what was asked for', () => {
  const connection = new EventEmitter()
  hearConnection(connection)
  const heard: string[] = []
  const listener = (word: string) => void heard.push(word)
  connection.on('odd', listener)
  expect(connection.listeners('odd')).toEqual([listener])
  expect(() => connection.on('odd', 'nothing' as never)).toThrow(TypeError)
  expect(() => connection.once('odd', 'nothing' as never)).toThrow(TypeError)
  connection.once('odd', listener).emit('odd', 'a')
  connection.emit('odd', 'b')
  expect(heard).toEqual(['a', 'a', 'b'])
})
