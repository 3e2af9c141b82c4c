// What is not about one resource: requests that say they act in the other tenant, keys of requests that were sent in it, and the application's
// own routes.

import { tenantKey } from './actors.ts'
import type { Question, Request } from './question.ts'
import { isDistinctive, newCanary } from './values.ts'
import { ownBody, type Subject } from './subject.ts'

/** A tenant that the actor does not belong to is as one that there is not. */
export function inTheirName(subject: Subject): Question[] {
  const { actor, path, ground, rows, theirs, resource } = subject
  if (actor.isInBoth || actor.headers['authorization'] === undefined || resource.tenant === undefined) return []
  const [key, missing] = [tenantKey(ground, rows, theirs), newCanary(ground.tenancy.key)]
  const request = (tenant: string): Request => ({ method: 'GET', path, headers: { 'x-tenant': tenant } })
  return [{ about: request(key), missing: request(missing), named: [[key, missing]], isRefused: true }]
}

/** The same key of a request in both tenants, by somebody who is in both: two requests. */
export function idempotencyKeys(subject: Subject): { readonly theirs: Request; readonly mine: Request } | undefined {
  const { resource, path, ground, rows, theirs, mine } = subject
  if (!resource.operations.has('create')) return undefined
  const key = newCanary(ground.tenancy.key)
  const request = (where: Subject): Request => {
    const headers = { 'idempotency-key': key, 'x-tenant': tenantKey(ground, rows, where.mine) }
    return { method: 'POST', path, headers, body: ownBody(where) }
  }
  return { theirs: request({ ...subject, mine: theirs, theirs: mine }), mine: request(subject) }
}

/** Routes of the application that read: with the keys of every row of the other tenant where they take one. */
export function ownRoutes(subject: Subject): Question[] {
  const { ground, rows, theirs } = subject
  const paths = ground.app.routes.filter(
    ({ method, path, custom }) => custom && method === 'GET' && !/^\/(auth|\.well-known|dev)\//.test(path),
  )
  const keys = [...ground.secret].flatMap((model) =>
    rows.of(model, theirs).flatMap((row) => {
      const fields = model.primaryKey.flatMap((name) => model.fieldByName.get(name) ?? [])
      return fields.length === 1 && fields.every(isDistinctive) ? [row.values.get(fields[0]?.name ?? '') ?? ''] : []
    }),
  )
  return paths.flatMap(({ path }) => {
    const parameters = path.match(/:\w+/g) ?? []
    if (parameters.length > 1 || path.includes('*')) return []
    const filled = parameters.length === 0 ? [path] : keys.map((key) => path.replace(/:\w+/, encodeURIComponent(key)))
    return filled.map((one): Question => ({
      about: { method: 'GET', path: one },
      named: keys.filter((key) => one.includes(key)).map((key) => [key, key]),
    }))
  })
}
