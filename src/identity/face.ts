// What every route of identity has: who asks and from where, and replies in the application's format.

import type { FastifyInstance, FastifySchema, HTTPMethods } from 'fastify'
import type { User } from '../auth/accounts/users.ts'
import type { Origin } from '../auth/accounts/parts.ts'
import type { Auth } from '../auth/create-auth.ts'
import { asksWithKey } from '../auth/api-keys/key-caller.ts'
import { policyErrors, signInRequired } from '../auth/policy-errors.ts'
import type { Caller } from '../core/caller.ts'
import type { HttpReply, HttpRequest } from '../http/route.ts'
import type { ReplyFormat } from '../rest/reply-format.ts'
import type { CookieNames } from './cookies.ts'
import type { SameSite } from './same-site.ts'

export interface Face {
  readonly auth: Auth
  readonly cookies: CookieNames
  readonly format: ReplyFormat
  readonly isSameSite: SameSite
}

export interface IdentityRoute {
  readonly method: HTTPMethods
  readonly url: string
  readonly answers: string
  readonly schema: FastifySchema & { readonly security?: readonly object[] }
  handler(request: HttpRequest, reply: HttpReply): Promise<unknown>
}

/** Bodies of sign-in and the like are small, and are read before anybody is known. */
const bodyBytes = 16_384

export function addIdentityRoutes(fastify: FastifyInstance, routes: readonly IdentityRoute[]): void {
  for (const { schema, answers, handler, ...route } of routes) {
    // Whatever is said here is for one caller and one moment.
    const send: IdentityRoute['handler'] = (request, reply) => handler(request, reply.header('cache-control', 'no-store'))
    fastify.route({ ...route, bodyLimit: bodyBytes, schema: { tags: ['auth'], ...schema }, config: { answers }, handler: send })
  }
}

/** Either of the ways to show who one is. */
export const signedInSecurity = [{ bearer: [] }, { cookie: [] }]

export function originOf({ ip, headers, exchange }: HttpRequest): Origin {
  return { address: ip, agent: headers['user-agent']?.slice(0, 200), session: exchange?.caller.credential }
}

/** A person who has signed in. @throws AppError AUTH_REQUIRED; AUTH_FORBIDDEN to who shows an API key */
export function demandCaller(request: HttpRequest): Caller & { readonly id: string; readonly credential: string } {
  const caller = request.exchange?.caller
  if (caller?.kind !== 'user' || caller.id === undefined || caller.credential === undefined) throw signInRequired()
  // What a key may do is little of what its owner may: nobody gets an account by a key that was lost.
  if (asksWithKey(caller)) throw policyErrors.FORBIDDEN()
  return { ...caller, id: caller.id, credential: caller.credential }
}

/** @throws AppError AUTH_REQUIRED */
export async function demandUser({ auth }: Face, request: HttpRequest): Promise<User> {
  const user = await auth.accounts.find(demandCaller(request).id)
  if (user === undefined) throw signInRequired()
  return user
}

export function reply({ format }: Face, to: HttpReply, status: number, data: object): HttpReply {
  const json = Buffer.from(JSON.stringify(data))
  const body = Array.isArray(data) ? format.records(json) : format.record(json)
  return to.code(status).type('application/json; charset=utf-8').send(body)
}

export function bodyOf(request: HttpRequest): Readonly<Record<string, string | undefined>> {
  return request.body as Readonly<Record<string, string | undefined>>
}
