// A whole process with a server, for tests that kill it or make it crash: `node --conditions=source http-process.ts [NAME=value …]`.
// Prints its port, then log lines.

import { setTimeout as sleep } from 'node:timers/promises'
import type { AddressInfo } from 'node:net'
import { guardProcess } from '../../src/core/guard-process.ts'
import { readConfig } from '../../src/core/env.ts'
import { openLog } from '../../src/core/log.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { drainServer } from '../../src/http/drain.ts'
import { createServer } from '../../src/http/server.ts'
import { plainErrors } from './http-server.ts'

const env = Object.fromEntries(process.argv.slice(2).map((pair) => pair.split('=') as [string, string]))
const config = readConfig({ APP_ENV: 'testing', LOG_LEVEL: 'info', ...env }, import.meta.dirname)
const { log, stream } = openLog(config, 'test')
const app = createServer({ config, log, metrics: createMetrics(), errorReply: plainErrors })

app.get('/ok', (_request, reply) => reply.send({ pid: process.pid }))
app.post('/ok', (request, reply) => reply.code(201).send(request.body))
app.get('/slow', async () => {
  await sleep(15)
  return { pid: process.pid }
})
app.get('/slower', async () => {
  await sleep(300)
  return { finished: true }
})
app.get('/endless', () => sleep(60_000))
app.get('/throws', () => {
  throw new Error('in a handler')
})
app.get('/throws-later', (_request, reply) => {
  setTimeout(() => {
    throw new Error('in a timer')
  }, 1)
  setTimeout(() => void reply.send({ finished: true }), 200)
})
app.get('/rejects', (_request, reply) => {
  void Promise.reject(new Error('nobody waits for this'))
  setTimeout(() => void reply.send({ finished: true }), 200)
})

const stop = async (): Promise<void> => {
  await drainServer(app, config.limits, log)
  await app.close()
}
guardProcess({ log, stop, flush: () => stream.flushSync(), timeoutMs: config.limits.drainMs + config.limits.shutdownMs + 1_000 })
await app.listen({ port: Number(env.LISTEN ?? 0), host: '127.0.0.1' })
process.stdout.write(`port ${(app.server.address() as AddressInfo).port}\n`)
