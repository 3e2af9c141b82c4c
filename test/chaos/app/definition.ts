// The application that is broken: tables as they are, with a verified cache, and with a fenced one.

import { once } from 'node:events'
import { Client } from 'pg'
import { anyone, defineApp, defineResource, type RoutePlugin } from 'plinth'
import { integer, pgTable, serial, text } from 'plinth/db'

const columns = { id: serial().primaryKey(), title: text().notNull(), views: integer().notNull().default(0) }

export const notes = pgTable('notes', columns)
export const pages = pgTable('pages', columns)
export const cards = pgTable('cards', columns)

const access = { read: anyone, write: anyone }

/** Things that no resource does, and things that Plinth does not do: for controls. */
const extras: RoutePlugin = (fastify, { app }) => {
  fastify.get<{ Params: { ms: string } }>('/sleep/:ms', async ({ params: { ms } }) => {
    await app.db.query('select pg_sleep($1::float8 / 1000)', [ms])
    return {}
  })
  /** Works until its client goes away. */
  fastify.get('/hold', async ({ raw }) => once(raw.socket, 'close').then(() => ({})))
  /** A transaction that always meets another. */
  const fails = `do $$ begin perform nextval('calls'); raise exception using errcode = '40001'; end $$`
  fastify.post('/never', () => app.db.transaction(() => app.db.query(fails), { retry: true }))
  fastify.post('/never-naive', async () => {
    for (let tries = 0; tries < 2; tries += 1) await app.db.query(fails).catch(() => undefined)
    return app.db.query(fails)
  })
  fastify.get('/stock', async (_request, reply) => {
    const client = new Client({ connectionString: app.config.database.url })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return (await client.query('select 1')).rows
    } catch (error) {
      return reply.code(500).send({ message: String(error) })
    } finally {
      void client.end().catch(() => undefined)
    }
  })
  let until = 0
  /** Half a second, by the clock on the wall. */
  fastify.get<{ Querystring: { begin?: string } }>('/trusting-permission', ({ query: { begin } }) => {
    if (begin !== undefined) until = Date.now() + 500
    return { holds: Date.now() < until }
  })
  fastify.get('/clock', () => ({ now: Date.now() }))
  fastify.get('/connections', (_request, reply) => {
    fastify.server.getConnections((_error, connections) => void reply.send({ connections }))
  })
  const large = Buffer.alloc(32 * 1024 * 1024, 'x')
  fastify.get('/large', (_request, reply) => reply.type('text/plain').send(large))
  const kept: unknown[] = []
  fastify.get('/leaks', () => {
    kept.push(Array.from({ length: 2_000 }, () => ({ at: Math.random() })))
    return {}
  })
  fastify.get('/heap', () => {
    globalThis.gc?.()
    return { heapBytes: process.memoryUsage().heapUsed }
  })
}

export const definition = defineApp({
  name: 'chaos',
  models: { notes, pages, cards },
  resources: [
    defineResource(notes, { access }),
    defineResource(pages, { access, cache: '5m' }),
    defineResource(cards, { access, cache: { ttl: '5m', mode: 'fenced' } }),
  ],
  replies: 'bare',
  routes: [extras],
})
