// The application that runs in three processes: registers, read and written in every mode.

import { anyone, type AppDefinition, defineApp, defineResource, type RoutePlugin } from 'plinth'
import { AppError } from 'plinth/errors'
import { recipes as recipeRoutes } from './recipes.ts'
import * as tables from './tables.ts'

const access = { read: anyone, write: anyone }
/** Longer than a run would be right by luck, shorter than one: entries also expire. */
const ttl = '5s'

/** @param redisUrl  for the recipes; resources have the application's own */
export function definition(redisUrl: string | undefined): AppDefinition {
  return defineApp({
    name: 'coherence',
    models: tables,
    resources: [
      defineResource(tables.plain, { access }),
      defineResource(tables.verified, { access, cache: ttl }),
      defineResource(tables.holders, { access, cache: ttl }),
      defineResource(tables.fenced, { access, cache: { ttl, mode: 'fenced' } }),
      defineResource(tables.near, { access, cache: { ttl, near: '500ms' } }),
    ],
    replies: 'bare',
    routes: [rolledBack, recipeRoutes(redisUrl)],
  })
}

interface Params {
  readonly table: string
  readonly id: string
}

interface Body {
  readonly value: number
}

/** A write like any other, in a transaction that sees it and then fails. */
const rolledBack: RoutePlugin = (fastify, { app }) => {
  fastify.patch<{ Params: Params; Body: Body }>('/rolled-back/:table/:id', ({ params: { table, id }, body: { value } }) =>
    app.db.transaction(async () => {
      const resource = app.resource(table)
      await resource.patch(id, { value })
      if ((await resource.get(id))?.['value'] !== value) throw new AppError('UNSEEN', 500, 'A transaction does not see its own write.')
      throw new AppError('ROLLED_BACK', 409, 'The transaction fails after its write.')
    }),
  )
}
