// Cache-aside as it is written by hand: GET from Redis, else the database and SET for five minutes. Nothing is ever invalidated.

import { fastify } from 'fastify'
import { Pool } from 'pg'
import { createClient } from '@redis/client'
import { poolSize, ready, settings } from '../../servers/serve.ts'

const { databaseUrl, port } = settings()
const [redisUrl = ''] = process.argv.slice(5)
const pool = new Pool({ connectionString: databaseUrl, max: poolSize })
const redis = createClient({ url: redisUrl })
await redis.connect()

async function load(id: string): Promise<string | undefined> {
  const { rows } = await pool.query('select id, author_id, title, body, price, published_at from posts where id = $1', [id])
  return rows[0] === undefined ? undefined : JSON.stringify({ success: true, data: rows[0], meta: {} })
}

const app = fastify()
app.get<{ Params: { id: string } }>('/api/posts/:id', async ({ params: { id } }, reply) => {
  const key = `post:${id}`
  const cached = await redis.get(key)
  const found = cached ?? (await load(id))
  if (found === undefined) return reply.code(404).send({ success: false })
  if (cached === null) await redis.set(key, found, { EX: 300 })
  return reply.header('content-type', 'application/json; charset=utf-8').send(found)
})
await app.listen({ port, host: '127.0.0.1' })
ready()
