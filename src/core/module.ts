// What an extension of the framework is: a named part with a life, things to add to the application, and checks of its health.

import type { Part } from './lifecycle.ts'

/** What a check found. Everything but `ok` is shown in `/health/details`. */
export interface HealthReport {
  readonly ok: boolean
  readonly [detail: string]: unknown
}

/** Looks after one dependency. */
export interface HealthCheck {
  /** As it stands in the answer: `database`. */
  readonly name: string
  /** False when the application serves without it (a cache): it is shown, and readiness does not depend on it. */
  readonly required?: boolean
  /** A rejection counts as not ok; so does taking longer than a second. */
  check(): Promise<HealthReport>
}

/**
 * An extension. `host` is what the composition root hands out; rooms above it know it only as a type parameter.
 *
 * @example  `const search: Module<AppHost> = { name: 'search', setup: (app) => app.fastify.register(routes), stop: () => index.close() }`
 */
export interface Module<host> extends Part {
  /** Names of modules that must be there and start first. */
  readonly needs?: readonly string[]
  /** Adds routes, errors, metrics; nothing is connected or listening yet. */
  setup?(host: host): void | Promise<void>
  readonly checks?: readonly HealthCheck[]
}
