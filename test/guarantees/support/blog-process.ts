// A whole application in a process of its own: `node --conditions=source blog-process.ts URL-of-its-database [NAME=value …]`.
// Prints its port when it listens, then log lines. Its extra routes break it, and tell how long its event loop was held up.

import { tmpdir } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RoutePlugin } from 'plinth'
import { createApp } from '../../../src/app/create.ts'
import { readConfig } from '../../../src/core/env.ts'
import { guardProcess } from '../../../src/core/guard-process.ts'
import { blog } from '../../support/blog.ts'

/** What `/loop` says: the longest turn since it was last asked, in milliseconds. */
export interface LoopReport {
  /** Of this thread's processor time, whatever else the machine does. */
  readonly cpuMs: number
  /** As it passed for those who waited (`monitorEventLoopDelay`). */
  readonly delayMs: number
}

const loop: RoutePlugin = (fastify) => {
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  let longest = 0
  let last = process.threadCpuUsage()
  const timer = setInterval(() => {
    const now = process.threadCpuUsage()
    longest = Math.max(longest, now.user + now.system - last.user - last.system)
    last = now
  }, 1).unref()
  fastify.addHook('onClose', async () => clearInterval(timer))
  fastify.get('/loop', async (): Promise<LoopReport> => {
    await sleep(5)
    const report = { cpuMs: longest / 1_000, delayMs: histogram.max / 1e6 }
    longest = 0
    histogram.reset()
    return report
  })
  fastify.get('/blocks', () => {
    const end = performance.now() + 300
    while (performance.now() < end);
    return {}
  })
}

const breaks: RoutePlugin = (fastify) => {
  const kept: unknown[] = []
  fastify.get('/throws', () => {
    throw new Error('in a handler')
  })
  fastify.get('/throws-later', (_request, reply) => {
    setTimeout(() => {
      throw new Error('in a timer')
    }, 1)
    setTimeout(() => reply.send({ finished: true }), 200)
  })
  fastify.get('/rejects', (_request, reply) => {
    void Promise.reject(new Error('nobody waits for this'))
    setTimeout(() => reply.send({ finished: true }), 200)
  })
  fastify.get('/fills-memory', async () => {
    for (;;) {
      for (let count = 0; count < 100; count += 1) kept.push(Array.from({ length: 10_000 }, () => ({ at: Math.random() })))
      await sleep(0)
    }
  })
}

const [url = '', ...settings] = process.argv.slice(2)
const given = Object.fromEntries(settings.map((pair) => pair.split('=') as [string, string]))
const config = readConfig({ APP_ENV: 'testing', LOG_LEVEL: 'info', API_PORT: '0', DATABASE_URL: url, ...given }, tmpdir())
const app = await createApp(blog({}, { routes: [loop, breaks] }), config)
const { drainMs, shutdownMs } = config.limits
guardProcess({ log: app.log, stop: () => app.stop(), flush: () => app.log.flush(), timeoutMs: drainMs * 2 + shutdownMs + 1_000 })
const started = await app.start()
process.stdout.write(`port ${new URL(started.url).port}\n`)
