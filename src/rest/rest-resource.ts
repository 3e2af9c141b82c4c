// A resource as REST serves it, and what its handlers read of a request's address.

import { anonymousCaller } from '../core/caller.ts'
import type { Callers } from '../http/callers.ts'
import type { KnownAnswers } from '../http/known-answers.ts'
import type { Once } from '../http/idempotency/once.ts'
import type { HttpRequest } from '../http/route.ts'
import { admit } from '../resource/access/admit.ts'
import type { Sight } from '../resource/access/sights.ts'
import type { Operation } from '../resource/define.ts'
import { recordShaper } from '../resource/record-shaper.ts'
import type { CompiledResource } from '../resource/registry.ts'
import type { RecordKey } from '../resource/request.ts'
import type { Engine } from '../resource/run.ts'
import { type Writer, writerFor } from '../resource/writer.ts'
import type { ReplyFormat } from './reply-format.ts'

export interface RestResource {
  readonly engine: Engine
  readonly resource: CompiledResource
  readonly writer: Writer
  readonly format: ReplyFormat
  /** Path of the collection: `/api/items`. */
  readonly path: string
  /** True in development: lists answer `?explain`, and reads `?explain=access` to whoever may make them. */
  readonly explains: boolean
  /** True outside of production: replies of cached resources say in `X-Cache` where they came from. */
  readonly tellsCache: boolean
  /** Does writes with an Idempotency-Key once. */
  readonly once: Once
  readonly callers: Callers
  /** Takes near copies, so that they are sent without being asked for here. */
  readonly known: KnownAnswers
}

/**
 * The resource as whoever asks sees it.
 *
 * @throws AppError `AUTH_REQUIRED` (401) or `AUTH_FORBIDDEN` (403) when they may not do this with any record
 */
export function admitted({ engine, resource }: RestResource, { exchange }: HttpRequest, operation: Operation): Sight {
  const sight = engine.registry.sights.of(resource, exchange?.caller ?? anonymousCaller)
  admit(sight, operation)
  return sight
}

/** A writer that is held to the policies of whoever asks; throws as `admitted`. */
export function admittedWriter(rest: RestResource, request: HttpRequest, operation: Operation): Writer {
  return writerFor(rest.writer, admitted(rest, request, operation), operation, recordShaper)
}

/** `:id`; a key of several parts has a segment for each: `:order_id/:product_id`. */
export function recordPath(resource: CompiledResource): string {
  return resource.model.primaryKey.map((name) => `:${parameterOf(name)}`).join('/')
}

/** The router reads `:Order ID` and `:a-b` as something else than one parameter. */
function parameterOf(field: string): string {
  return field.replaceAll(/\W/g, '_')
}

/** Where every change has to name the version that it changes, several cannot be changed by one request. */
export function isServed({ operations, options }: CompiledResource, operation: Operation, isBulk: boolean): boolean {
  return operations.has(operation) && !(isBulk && options.requireMatch === true)
}

export function keyOf(resource: CompiledResource, request: HttpRequest): RecordKey {
  const parameters = request.params as Record<string, string>
  return resource.model.primaryKey.map((name) => parameters[parameterOf(name)] ?? '')
}

/** The query string as it came, without the question mark. */
export function queryOf(request: HttpRequest): string {
  const url = request.raw.url ?? ''
  const mark = url.indexOf('?')
  return mark === -1 ? '' : url.slice(mark + 1)
}
