// What the HTTP room costs per request: CPU of a server process that answers a constant, bare Fastify against ours.
// Run by hand: node --conditions=source bench/http-hooks.ts

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { fastify, type FastifyInstance } from 'fastify'
import { readConfig } from '../src/core/env.ts'
import { BufferedStream } from '../src/core/log-stream.ts'
import { createLog } from '../src/core/log.ts'
import { createMetrics } from '../src/core/metrics.ts'
import { hideValues } from '../src/core/redact.ts'
import { createServer } from '../src/http/server.ts'

const requests = 20_000
const rounds = 7
const connections = 20
const get = 'GET /x HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\nUser-Agent: bench\r\n\r\n'
const body = '{"name":"Widget","price":12.5,"description":"A useful thing for the house","tags":["a","b"],"stock":5,"active":true}'
const post = `POST /x HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`

if (process.argv[2] === 'client') await ask(Number(process.argv[3]), process.argv[4] === 'post' ? post : get)
else await compare()

/** The variants take turns, and the best round of each counts: what else the machine does hits all of them alike. */
async function compare(): Promise<void> {
  const variants: Record<string, FastifyInstance> = {
    'bare fastify': fastify(),
    'ours, log off': ours('silent'),
    'ours, access lines': ours('info'),
    'ours, access lines, CORS': ours('info', { CORS_ORIGINS: 'https://app.example.com' }),
  }
  await Promise.all(Object.values(variants).map(listen))
  for (const kind of ['get', 'post']) {
    const best = new Map<string, number>()
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, app] of Object.entries(variants)) best.set(name, Math.min(best.get(name) ?? Infinity, await measure(app, kind)))
    }
    for (const [name, microseconds] of best)
      console.log(kind.padEnd(5), name.padEnd(26), `${microseconds.toFixed(1)} us of CPU per request`)
  }
  await Promise.all(Object.values(variants).map((app) => app.close()))
}

function ours(level: string, env: Record<string, string> = {}): FastifyInstance {
  const config = readConfig({ APP_ENV: 'testing', LOG_LEVEL: level, ...env }, tmpdir())
  // Lines are collected and thrown away, so that the disk is not measured.
  const stream = new BufferedStream([{ write: () => {} }], hideValues([config.secrets.secretKey, config.secrets.jwtSecretKey]))
  const errorReply = () => ({ status: 500, headers: {}, contentType: 'text/plain', body: '' })
  return createServer({ config, log: createLog({ level: config.log.level, stream }), metrics: createMetrics(), errorReply })
}

async function listen(app: FastifyInstance): Promise<void> {
  app.get('/x', (_request, reply) => reply.send('{"ok":true}'))
  app.post('/x', (_request, reply) => reply.send('{"ok":true}'))
  await app.listen({ port: 0, host: '127.0.0.1' })
}

async function measure(app: FastifyInstance, kind: string): Promise<number> {
  const { port } = app.server.address() as AddressInfo
  const before = process.cpuUsage()
  await once(spawn(process.execPath, [import.meta.filename, 'client', String(port), kind], { stdio: 'inherit' }), 'exit')
  const { user, system } = process.cpuUsage(before)
  return (user + system) / requests
}

/** The client, in a process of its own: one request after the other on each connection. */
async function ask(port: number, bytes: string): Promise<void> {
  let sent = 0
  const worker = (): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1')
      const next = (): void => {
        if (sent >= requests) return void socket.end(resolve)
        sent += 1
        socket.write(bytes)
      }
      socket.setNoDelay(true).on('connect', next).on('data', next)
    })
  await Promise.all(Array.from({ length: connections }, worker))
}
