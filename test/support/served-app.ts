// An application for tests of processes: items, and routes that tell who answers, take their time, and break things.

import { temporaryApp, type TemporaryApp } from './cli.ts'

const source = `import { setTimeout as sleep } from 'node:timers/promises'
import { defineApp } from 'plinth'
import * as models from './models/index.ts'
import * as resources from './resources/index.ts'
import { seed } from './seed.ts'
import { spoil } from './spoil.ts'
import { version } from './version.ts'

const kept = []

async function tests(fastify, { app }) {
  spoil(app)
  fastify.get('/who', () => ({ pid: process.pid, version, setting: app.config.limits.arrayItems }))
  fastify.get('/slow', async () => {
    await sleep(500)
    return { finished: true }
  })
  fastify.get('/long-line', async () => {
    app.log.info({ text: 'x'.repeat(60_000) }, 'long')
    app.log.flush()
    return {}
  })
  fastify.get('/exits', () => process.exit(7))
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

export default defineApp({ name: 'items', models, resources, seed, routes: [tests] })
`

/** @param files  over its own: `api/version.ts` says what `/who` tells, `api/spoil.ts` may break the application */
export function servedApp(files: Readonly<Record<string, string>> = {}): TemporaryApp {
  return temporaryApp({ 'api/app.ts': source, 'api/version.ts': versionFile(1), 'api/spoil.ts': 'export function spoil() {}\n', ...files })
}

/** For controls: the application ends as one does that knows no better. */
export const plainClose = {
  'api/spoil.ts': `export function spoil(app) {
    app.stop = () => {
      app.fastify.server.close()
      return new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
`,
}

export function versionFile(version: number): string {
  return `export const version: number = ${version}\n`
}

export interface Who {
  readonly pid: number
  readonly version: number
  readonly setting: number
}

/** Who answers, asked so often on new connections that every process has come to it. */
export async function askWho(url: string, times = 8): Promise<Who[]> {
  const answers: Who[] = []
  for (let count = 0; count < times; count += 1) {
    const reply = await fetch(`${url}/who`, { headers: { connection: 'close' } })
    answers.push((await reply.json()) as Who)
  }
  return answers
}

export function pidsOf(answers: readonly Who[]): number[] {
  return [...new Set(answers.map(({ pid }) => pid))].toSorted((a, b) => a - b)
}
