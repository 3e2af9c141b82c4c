// `?explain=access` outside of production: why whoever asks may or may not, instead of the records.

import { anonymousCaller } from '../core/caller.ts'
import type { HttpReply, HttpRequest } from '../http/route.ts'
import { explainAccess } from '../resource/access/explain.ts'
import type { RecordKey } from '../resource/request.ts'
import type { RestResource } from './rest-resource.ts'

export function wantsAccessExplained(query: string): boolean {
  return query.split('&').includes('explain=access')
}

/** @param key  of the record that is asked about; undefined for the list */
export async function sendAccess(
  { engine, resource }: RestResource,
  { exchange }: HttpRequest,
  reply: HttpReply,
  key?: RecordKey,
): Promise<HttpReply> {
  const sight = engine.registry.sights.of(resource, exchange?.caller ?? anonymousCaller)
  return reply.send(await explainAccess(sight, key === undefined ? undefined : { db: engine.db, key }))
}
