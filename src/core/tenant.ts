// Which tenant's records code works with at the moment: what the database holds each statement to, whatever the statement says.

import { AsyncLocalStorage } from 'node:async_hooks'
import type { Caller } from './caller.ts'
import { currentContext, type RequestContext } from './context.ts'

/** In force where nothing is held back: outside of requests, and in work that crosses tenants on purpose. The key of no tenant. */
const everyTenant = '*'
/** In force where there is no tenant: nothing is anybody's. The key of no tenant. */
const noTenant = ''

interface Force {
  readonly tenant: string
  /** The request that it was said in. One that begins inside of the work, as a test's does, has its own tenant. */
  readonly request: RequestContext | undefined
}

/** What work gives: what can be waited for is a promise, whatever else it was. */
export type Begun<result> = result extends PromiseLike<unknown> ? Promise<Awaited<result>> : result

const storage = new AsyncLocalStorage<Force>()

/**
 * `'*'` outside of requests and inside of `runAcrossTenants`, else the key of the tenant that the request, or `runInTenant`, acts in as
 * text; `''` for a caller without one.
 */
export function tenantInForce(): string {
  const request = currentContext()
  const said = storage.getStore()
  if (said !== undefined && said.request === request) return said.tenant
  return request === undefined ? everyTenant : (tenantOf(request.caller) ?? noTenant)
}

/** Whether what is in force holds nothing back. */
export function isEveryTenant(inForce: string): boolean {
  return inForce === everyTenant
}

/** The tenant that a caller acts in. A key that would stand for every tenant, or for none, is none. */
export function tenantOf({ tenant }: Caller): string | undefined {
  return tenant === everyTenant || tenant === noTenant ? undefined : tenant
}

/**
 * Runs `work` so that everything it starts, now or later, acts in one tenant, whatever its request acts in.
 *
 * @param tenant  key of the tenant as text; undefined: none, as of a caller who belongs to none
 */
export function runInTenant<result>(tenant: string | undefined, work: () => result): Begun<result> {
  if (tenant === everyTenant) throw new TypeError('"*" is the key of no tenant. Work across tenants says so: runAcrossTenants().')
  return storage.run({ tenant: tenant ?? noTenant, request: currentContext() }, () => begun(work()))
}

/** Runs `work` so that everything it starts, now or later, is held to no tenant: for code of the application that is about all of them. */
export function runAcrossTenants<result>(work: () => result): Begun<result> {
  return storage.run({ tenant: everyTenant, request: currentContext() }, () => begun(work()))
}

/** The same work to be run later, by whomever: in the tenant that is in force now. */
export function inTenantOfNow<result>(work: () => result): () => Begun<result> {
  const tenant = tenantInForce()
  return () => storage.run({ tenant, request: currentContext() }, () => begun(work()))
}

/**
 * A query builder is sent when somebody waits for it, which is out there, where something else is in force: it is waited for here. Whoever
 * gets it can do nothing else with it than wait as well.
 */
function begun<result>(result: result): Begun<result> {
  const isLazy = result instanceof Object && !(result instanceof Promise) && 'then' in result && typeof result.then === 'function'
  return (isLazy ? Promise.resolve(result) : result) as Begun<result>
}
