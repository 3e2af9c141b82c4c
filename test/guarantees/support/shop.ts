// An application with money in it: orders of several rows, payments, and accounts whose sum must not change. What ends in `-careless`
// does it wrong on purpose: the controls.

import { setTimeout as sleep } from 'node:timers/promises'
import { type AppDefinition, anyone, defineApp, defineResource, type RoutePlugin } from 'plinth'
import { integer, pgTable, serial, text } from 'plinth/db'

const orders = pgTable('orders', { id: serial().primaryKey(), customer: text().notNull() })
const order_lines = pgTable('order_lines', {
  id: serial().primaryKey(),
  order_id: integer()
    .notNull()
    .references(() => orders.id),
  product: text().notNull(),
})
const payments = pgTable('payments', { id: serial().primaryKey(), label: text().notNull(), amount: integer().notNull() })
const accounts = pgTable('accounts', { id: integer().primaryKey(), balance: integer().notNull() })
const models = { orders, order_lines, payments, accounts }

export interface Order {
  readonly customer: string
  readonly products: readonly string[]
}

export interface Transfer {
  readonly from: number
  readonly to: number
  readonly amount: number
}

/** Longer than a killed process lives after its answer, shorter than a test wants to wait. */
const carelessMs = 300

const routes: RoutePlugin = (fastify, { app }) => {
  const { db } = app
  const placeOrder = async ({ customer, products }: Order): Promise<number> => {
    const [order] = await db.query<{ id: number }>('insert into orders (customer) values ($1) returning id', [customer])
    const id = order?.id ?? 0
    for (const product of products) await db.query('insert into order_lines (order_id, product) values ($1, $2)', [id, product])
    return id
  }
  fastify.post(
    '/orders',
    app.idempotent(async ({ body }) => ({ status: 201, body: { id: await placeOrder(body as Order) } })),
  )
  fastify.post('/orders-careless', async ({ body }, reply) => {
    void sleep(carelessMs).then(() => placeOrder(body as Order))
    return reply.code(201).send({ id: 0 })
  })

  const balanceOf = async (id: number): Promise<number> => {
    const [account] = await db.query<{ balance: number }>('select balance from accounts where id = $1', [id])
    return account?.balance ?? 0
  }
  const transfer = async ({ from, to, amount }: Transfer): Promise<void> => {
    const [source, target] = [await balanceOf(from), await balanceOf(to)]
    if (source < amount) return
    await db.query('update accounts set balance = $2 where id = $1', [from, source - amount])
    await db.query('update accounts set balance = $2 where id = $1', [to, target + amount])
  }
  const careful = { isolation: 'serializable', retry: true } as const
  for (const [path, options] of [['/transfers', careful] as const, ['/transfers-careless', {}] as const])
    fastify.post(
      path,
      app.idempotent(async ({ body }) => {
        await transfer(body as Transfer)
        return {}
      }, options),
    )
}

export function shop(): AppDefinition {
  const access = { read: anyone, write: anyone }
  const resources = Object.values(models).map((table) => defineResource(table, { access, requireMatch: table === accounts }))
  return defineApp({ name: 'shop', models, resources, routes: [routes] })
}
