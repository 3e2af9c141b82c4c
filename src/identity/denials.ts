// Who was turned away stands in the log as a security event: from what, with which code and for what reason. The client is told the code alone.

import type { FastifyInstance } from 'fastify'
import { AppError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { HttpReply, HttpRequest } from '../http/route.ts'
import { namedTenant } from './named-tenant.ts'

/** Of a reason. What came with a request may stand in it, and whoever writes into the log may not write a book. */
const longest = 300
const mostCauses = 4
const thrown = new WeakMap<HttpRequest, AppError>()

/** To be called before routes are added. */
export function logDenials(fastify: FastifyInstance, log: Logger): void {
  fastify.addHook('onError', (request, _reply, error, done) => {
    if (error instanceof AppError) thrown.set(request, error)
    done()
  })
  fastify.addHook('onResponse', (request, reply, done) => {
    if (reply.statusCode === 401 || reply.statusCode === 403) noteDenial(log, request, reply)
    done()
  })
}

/** Which tenant they named is told where that was why. */
function noteDenial(log: Logger, request: HttpRequest, { statusCode }: HttpReply): void {
  const named = namedTenant(request)
  const caller = named?.by ?? request.exchange?.caller
  const error = thrown.get(request)
  const about = { event: 'access.denied', status: statusCode, method: request.method, route: request.routeOptions.url }
  log.warn(
    {
      ...about,
      code: error?.code,
      reason: error && reasonOf(error),
      requestId: request.id,
      address: request.ip,
      caller: caller?.id,
      session: caller?.credential,
      tenant: caller?.tenant,
      namedTenant: named?.tenant,
    },
    'security: access denied',
  )
}

/** Of our own refusals only: what stands behind those of others, as the parameters of a statement, is not known here. */
export function reasonOf({ code, cause }: AppError): string | undefined {
  if (!code.startsWith('AUTH_')) return undefined
  const said = causesOf(cause).map(wordsOf).filter(Boolean)
  return said.length === 0 ? undefined : said.join(': ').slice(0, longest)
}

function causesOf(cause: unknown, most = mostCauses): Error[] {
  return most > 0 && cause instanceof Error ? [cause, ...causesOf(cause.cause, most - 1)] : []
}

/** Node repeats what it could not read as JSON, and that may be the answer with a token in it. */
function wordsOf(error: Error & { readonly error?: unknown }): string {
  const words = error instanceof SyntaxError ? 'is not JSON' : error.message
  // What the other site answered: `invalid_client`.
  return typeof error.error === 'string' ? `${words} (${error.error})` : words
}
