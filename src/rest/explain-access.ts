// `?explain=access` in development: why whoever asks may or may not, instead of the records.

import type { HttpReply } from '../http/route.ts'
import { explainAccess } from '../resource/access/explain.ts'
import type { Sight } from '../resource/access/sights.ts'
import type { RecordKey } from '../resource/request.ts'
import type { RestResource } from './rest-resource.ts'

export function wantsAccessExplained(query: string): boolean {
  return query.split('&').includes('explain=access')
}

/**
 * @param sight  of a caller who is admitted to the operation
 * @param key    of the record that is asked about; undefined for the list
 */
export async function sendAccess(sight: Sight, { engine }: RestResource, reply: HttpReply, key?: RecordKey): Promise<HttpReply> {
  return reply.send(await explainAccess(sight, key === undefined ? undefined : { db: engine.db, key }))
}
