// Addresses without a route: 404, 405 with the methods there are, and OPTIONS.

import type { FastifyInstance, FastifyReply, FastifyRequest, preHandlerHookHandler } from 'fastify'
import type { AppError } from '../core/errors.ts'
import type { Cors } from './cors.ts'
import { httpErrors } from './errors.ts'
import type { AllowedMethods } from './routes.ts'

/** What a server that knows no better may say it allows: the methods routes can have. */
const everyMethod = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** The refusal of `method` at an address: 405 when the address has other methods, 404 when it has none. TRACE exists nowhere. */
export function refusal(method: string, allowed: readonly string[]): AppError {
  if (allowed.length === 0 && method !== 'TRACE') return httpErrors.NOT_FOUND()
  const allow = (allowed.length === 0 ? everyMethod : allowed).join(', ')
  return httpErrors.METHOD_NOT_ALLOWED(allow).with({ headers: { allow } })
}

/**
 * Answers OPTIONS itself and throws the refusal of everything else.
 *
 * @param limit  refuses who asks too often
 */
export function handleNotFound(app: FastifyInstance, routes: AllowedMethods, cors: Cors | undefined, limit?: preHandlerHookHandler): void {
  app.setNotFoundHandler(limit === undefined ? {} : { preHandler: limit }, (request: FastifyRequest, reply: FastifyReply) => {
    const allowed = request.url === '*' ? everyMethod : routes.of(request.url)
    if (request.method !== 'OPTIONS' || allowed.length === 0) throw refusal(request.method, allowed)
    cors?.preflight(request, reply, allowed)
    return reply.code(204).header('allow', allowed.join(', ')).send()
  })
}
