// `defineApp`: an application as data. Nothing runs until `createApp`.

import type { FastifyInstance } from 'fastify'
import type { AuthOptions } from '../auth/options.ts'
import type { Module } from '../core/module.ts'
import type { RouteRateLimit } from '../http/rate-limits.ts'
import type { ReplyFormatName } from '../rest/reply-format.ts'
import type { ResourceDefinition } from '../resource/define.ts'
import type { App } from './create.ts'

/** A Fastify plugin that is also given the application: `async (fastify, { app }) => { fastify.get('/hello', …) }`. */
export type RoutePlugin = (fastify: FastifyInstance, options: { readonly app: App }) => Promise<void> | void

export interface AppOptions {
  readonly name: string
  readonly version?: string
  readonly description?: string
  /** A list, or a module of resources: `import * as resources from './resources/index.ts'`. */
  readonly resources: readonly ResourceDefinition[] | Readonly<Record<string, unknown>>
  /**
   * Every table, view and enum, also those that no resource exposes (association tables lead somewhere, migrations need all).
   * Usually `import * as models from './models/index.ts'`. Default: the tables of the resources and those they refer to.
   */
  readonly models?: Readonly<Record<string, unknown>>
  /** What `defineRelations` of Drizzle returned; adds to the relations that foreign keys tell. */
  readonly relations?: unknown
  /** Who signs in, and how. Without it nobody does. */
  readonly auth?: AuthOptions
  /** In front of every resource; default `/api`. */
  readonly prefix?: string
  /** How replies look; default `envelope`. */
  readonly replies?: ReplyFormatName
  /** Custom routes, for what a resource cannot say. */
  readonly routes?: readonly RoutePlugin[]
  /**
   * How often all routes together may be called that have no limit of their own, by one address (`'600/1m'`), one caller
   * (`'600/1m by caller'`) or what a function says. Health and metrics are not counted. Default: as often as wanted. `RATE_LIMIT` wins.
   */
  readonly rateLimit?: RouteRateLimit
  /** Extensions: parts with a life of their own, health checks, things added to the application. */
  readonly modules?: readonly Module<App>[]
  /** Loads first data: run by `plinth db seed`. May run twice, so it should find out what is there. */
  readonly seed?: (app: App, report: SeedReport) => Promise<void>
  /** Settings the application ships with, by variable name: `{ API_PORT: '5000' }`. The environment and `.env` win. */
  readonly environment?: Readonly<Record<string, string>>
}

/** How a seed tells what it is doing. */
export interface SeedReport {
  /** @param done  of `total` steps of the thing called `label` */
  progress(label: string, done: number, total: number): void
}

export interface AppDefinition {
  readonly kind: 'app'
  readonly options: AppOptions
}

/**
 * @example
 * export default defineApp({ name: 'shop', models, resources })
 */
export function defineApp(options: AppOptions): AppDefinition {
  return Object.freeze({ kind: 'app', options })
}
