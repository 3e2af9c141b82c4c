// Recipes that everybody knows and that are wrong, as custom routes: the run has to find them out.

import { createClient } from '@redis/client'
import type { App, RoutePlugin } from 'plinth'

const ttlSeconds = 60
const budgetMs = 50

interface Params {
  readonly id: string
}

interface Body {
  readonly value: number
}

/** The part of Redis that a recipe needs; what it cannot do it says by rejecting. */
interface Cache {
  get(key: string): Promise<string | null>
  set(key: string, value: string): Promise<unknown>
  delete(key: string): Promise<unknown>
}

/** Also the name of its table. */
type Recipe = 'naive' | 'joined'
type Reader = (id: string) => Promise<{ readonly value: number; readonly cache: string }>
type Writer = (id: string, value: number) => Promise<void>

/** @param redisUrl  undefined: only what needs no Redis */
export function recipes(redisUrl: string | undefined): RoutePlugin {
  return (fastify, { app }) => {
    const add = (name: Recipe, read: Reader, write: Writer): void => {
      fastify.get<{ Params: Params }>(`/${name}/:id`, async ({ params: { id } }, reply) => {
        const { value, cache } = await read(id)
        return reply.header('x-cache', cache).send({ id: Number(id), value })
      })
      fastify.patch<{ Params: Params; Body: Body }>(`/${name}/:id`, async ({ params: { id }, body: { value } }) => {
        await write(id, value)
        return { id: Number(id), value }
      })
    }
    add('joined', joined(app), (id, value) => writeRow(app, 'joined', id, value))
    if (redisUrl === undefined) return
    const cache = connectTo(redisUrl)
    fastify.addHook('onClose', async () => cache.close())
    add('naive', aside(app, cache), async (id, value) => {
      await writeRow(app, 'naive', id, value)
      await cache.delete(id).catch(() => undefined)
    })
  }
}

/** Cache-aside as in every tutorial: what is not there is read and put there; a write removes it after its commit. */
function aside(app: App, cache: Cache): Reader {
  return async (id) => {
    const hit = await cache.get(id).catch(() => null)
    if (hit !== null) return { value: Number(hit), cache: 'hit' }
    const value = await readRow(app, 'naive', id)
    void cache.set(id, String(value)).catch(() => undefined)
    return { value, cache: 'miss' }
  }
}

/** Plain singleflight: who comes while a read of the record is under way gets its result. */
function joined(app: App): Reader {
  const underWay = new Map<string, Promise<number>>()
  return async (id) => {
    const found = underWay.get(id)
    if (found !== undefined) return { value: await found, cache: 'hit' }
    const read = readRow(app, 'joined', id).finally(() => underWay.delete(id))
    underWay.set(id, read)
    return { value: await read, cache: 'miss' }
  }
}

async function readRow(app: App, table: Recipe, id: string): Promise<number> {
  const [row] = await app.db.query<{ value: number }>(`select value from ${table} where id = $1`, [id])
  return row?.value ?? -1
}

async function writeRow(app: App, table: Recipe, id: string, value: number): Promise<void> {
  await app.db.query(`update ${table} set value = $2 where id = $1`, [id, value])
}

function connectTo(url: string): Cache & { close(): void } {
  const client = createClient({ url, disableOfflineQueue: true, commandOptions: { timeout: budgetMs } })
  client.on('error', () => undefined)
  void client.connect().catch(() => undefined) // it goes on trying
  const key = (id: string): string => `naive:${id}`
  return {
    get: (id) => client.get(key(id)),
    set: (id, value) => client.set(key(id), value, { expiration: { type: 'EX', value: ttlSeconds } }),
    delete: (id) => client.del(key(id)),
    close: () => client.destroy(),
  }
}
