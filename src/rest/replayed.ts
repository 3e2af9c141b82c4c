// The kept answer to an Idempotency-Key is sent again to whoever may still see the records that it tells of, with all their fields.

import { anonymousCaller } from '../core/caller.ts'
import type { Answer } from '../http/answer.ts'
import type { HttpRequest } from '../http/route.ts'
import { resourceErrors } from '../resource/errors.ts'
import { isRecord } from '../resource/is-record.ts'
import { currentStatement } from '../resource/write-statement.ts'
import type { Writer } from '../resource/writer.ts'
import type { RestResource } from './rest-resource.ts'

/** @throws AppError `RESOURCE_NOT_FOUND` (404) when the caller has lost sight of one of them */
export async function refuseLostAccess(
  { engine, resource }: RestResource,
  { exchange }: HttpRequest,
  writer: Writer,
  { body }: Answer,
): Promise<void> {
  if (body === undefined) return
  const { seen, unseen } = engine.registry.sights.of(resource, exchange?.caller ?? anonymousCaller).decision
  if (seen === true && unseen.size === 0) return
  for (const record of recordsIn(body)) {
    const key = resource.model.primaryKey.map((name) => String(record[name]))
    const shows = [...unseen].some(({ name }) => Object.hasOwn(record, name))
    const rows = await writer.db.read(writer.names.named(currentStatement(writer.table, key, 'alive', undefined, { only: seen })))
    if (shows || rows.count === 0) throw resourceErrors.NOT_FOUND(resource.name)
  }
}

/** Bare, or in the `data` of an envelope. */
function recordsIn(body: Buffer): Record<string, unknown>[] {
  const parsed: unknown = JSON.parse(body.toString())
  const data = isRecord(parsed) && 'success' in parsed ? parsed['data'] : parsed
  return [data].flat().filter(isRecord)
}
