// A route as data. Faces make these; only this room tells Fastify about them.

import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'

export type HttpRequest = FastifyRequest
export type HttpReply = FastifyReply

export interface Route {
  readonly method: HTTPMethods
  /** Path with parameters as `:name`. */
  readonly url: string
  handler(request: HttpRequest, reply: HttpReply): Promise<unknown> | unknown
}

export function addRoutes(app: FastifyInstance, routes: readonly Route[]): void {
  for (const { method, url, handler } of routes) app.route({ method, url, handler })
}
