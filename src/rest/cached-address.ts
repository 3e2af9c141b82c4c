// Which read an address stands for, as the cache knows it when nobody has signed in: for `plinth cache why`, which asks about one without sending it.

import type { CachedRead } from '../cache/read.ts'
import { anonymousCaller } from '../core/caller.ts'
import { runInTenant } from '../core/tenant.ts'
import { cachedGet, cachedList } from '../resource/cached-read.ts'
import type { CompiledResource } from '../resource/registry.ts'
import { prepareGet, prepareList } from '../resource/run.ts'
import { readListQuery, readShapeQuery } from './read-query.ts'
import { formOf } from './read-reply.ts'
import { isServed, type RestResource } from './rest-resource.ts'

export type CachedRest = Pick<RestResource, 'engine' | 'resource' | 'format' | 'path'>

export interface AddressedRead {
  readonly resource: CompiledResource
  /** Undefined when such a read cannot be cached. */
  readonly read: CachedRead | undefined
}

/**
 * @param address  `/api/items/1?fields=name`, or the same behind `http://host`
 * @returns        undefined when no resource reads there
 * @throws         AppError for what a request with this address is refused for
 */
export function readAt(rests: readonly CachedRest[], address: string): AddressedRead | undefined {
  const [path = '', query = ''] = address.replace(/^https?:\/\/[^/?]*/, '').split(/\?(.*)/s)
  const rest = rests.find((one) => path === one.path || path.startsWith(`${one.path}/`))
  if (rest === undefined) return undefined
  const key = keyIn(path.slice(rest.path.length + 1))
  if (key === undefined) return undefined
  // What is kept for nobody is kept for no tenant, and outside of a request all would be in force.
  return runInTenant(undefined, () => (key.length === 0 ? listAt(rest, query) : recordAt(rest, key, query)))
}

function listAt(rest: CachedRest, query: string): AddressedRead | undefined {
  const { engine, resource } = rest
  if (!isServed(resource, 'list', false)) return undefined
  const { resource: view, held } = engine.registry.sights.of(resource, anonymousCaller)
  return { resource, read: cachedList(engine, prepareList(engine, view, readListQuery(query)), formOf(rest))?.(held) }
}

function recordAt(rest: CachedRest, key: readonly string[], query: string): AddressedRead | undefined {
  const { engine, resource } = rest
  if (!isServed(resource, 'get', false) || key.length !== resource.model.primaryKey.length) return undefined
  const { resource: view, held } = engine.registry.sights.of(resource, anonymousCaller)
  return { resource, read: cachedGet(engine, prepareGet(view, readShapeQuery(query)), formOf(rest))?.(key, held) }
}

/** Undefined for what is no address. */
function keyIn(path: string): string[] | undefined {
  try {
    return path === '' ? [] : path.split('/').map(decodeURIComponent)
  } catch {
    return undefined
  }
}
