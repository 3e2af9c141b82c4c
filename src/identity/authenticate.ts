// Finds out for every request who asks, before anything else is done for it. Nobody is a caller, too; a token that is wrong is not nobody.

import type { FastifyInstance, HookHandlerDoneFunction } from 'fastify'
import { callerByKey, type KeyCallers } from '../auth/api-keys/key-caller.ts'
import type { Auth } from '../auth/create-auth.ts'
import type { Asking } from '../auth/signed-in.ts'
import type { Caller } from '../core/caller.ts'
import { AppError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { HttpReply, HttpRequest } from '../http/route.ts'
import { type CookieNames, readCookie, setCookie } from './cookies.ts'
import { logDenials } from './denials.ts'
import { identityErrors } from './errors.ts'
import { noteNamedTenant } from './named-tenant.ts'
import { changesSomething, type SameSite } from './same-site.ts'

export interface AuthenticateParts {
  readonly auth: Auth
  readonly cookies: CookieNames
  readonly isSameSite: SameSite
  readonly log: Logger
}

const scheme = /^bearer +/i

/** What a client shows of itself. */
export function bearerToken({ headers: { authorization } }: HttpRequest): string | undefined {
  const [found] = (authorization && scheme.exec(authorization)) || []
  return found === undefined ? undefined : authorization?.slice(found.length).trimEnd()
}

/** To be called before routes are added. */
export function authenticateRequests(fastify: FastifyInstance, parts: AuthenticateParts): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const token = bearerToken(request)
    const session = token === undefined ? readCookie(request, parts.cookies.session) : undefined
    if (token === undefined && session === undefined) return done()
    if (isKnown(parts, request, token, session ?? '')) return done()
    const found = token === undefined ? bySession(parts, request, reply, session ?? '') : byToken(parts, request, token)
    void settle(
      found.catch((thrown: unknown) => failKnown(parts, request, thrown, token, session ?? '')),
      done,
    )
  })
  logDenials(fastify, parts.log)
}

/** Who is known from memory does not wait: eight promises cost a sixth of a whole read. */
function isKnown(parts: AuthenticateParts, request: HttpRequest, token: string | undefined, session: string): boolean {
  const asking = near(parts.auth, request, token, session)
  if (asking === undefined) return false
  if (token === undefined) enter(parts, request, session, asking)
  else if (request.exchange !== null) request.exchange.caller = asking.caller
  return true
}

/** Undefined also for who names a tenant that he does not belong to: what is told then waits. */
function near(auth: Auth, request: HttpRequest, token: string | undefined, session: string): Asking | undefined {
  const tenant = tenantNamed(auth, request)
  try {
    return token === undefined ? auth.signedIn.nearBySession(session, tenant) : auth.signedIn.nearByToken(token, tenant)
  } catch (error) {
    if (isNoMember(error)) return undefined
    throw error
  }
}

function isNoMember(error: unknown): boolean {
  return error instanceof AppError && error.code === 'AUTH_NOT_A_MEMBER'
}

/** Refused for the tenant that they name, they stand in the log by name: that is how somebody looks for tenants. */
async function failKnown(parts: AuthenticateParts, request: HttpRequest, thrown: unknown, token: string | undefined, session: string) {
  const named = tenantNamed(parts.auth, request)
  if (isNoMember(thrown) && named !== undefined) {
    const { auth } = parts
    const asker = token === undefined ? auth.signedIn.bySession(session).then((asking) => asking?.caller) : callerOf(auth, token)
    noteNamedTenant(request, named, await asker.catch(() => undefined))
  }
  throw thrown
}

async function callerOf(auth: Auth, token: string, tenant?: string): Promise<Caller> {
  return (await callerByKey(keyCallers(auth), token, tenant)) ?? (await auth.signedIn.byToken(token, tenant)).caller
}

async function settle(found: Promise<void>, done: HookHandlerDoneFunction): Promise<void> {
  done(
    await found.then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    ),
  )
}

/** RFC 6750, 3.1. */
async function byToken({ auth }: AuthenticateParts, request: HttpRequest, token: string): Promise<void> {
  try {
    const caller = await callerOf(auth, token, tenantNamed(auth, request))
    if (request.exchange !== null) request.exchange.caller = caller
  } catch (error) {
    if (!(error instanceof AppError) || error.status !== 401) throw error
    throw error.with({ headers: { 'www-authenticate': 'Bearer error="invalid_token"' } })
  }
}

function keyCallers({ ways: { apiKeys }, signedIn, parts: { memberships } }: Auth): KeyCallers {
  const callerOf: KeyCallers['callerOf'] = (user, wish) => signedIn.callerOf(user, wish)
  return { apiKeys, callerOf, tenantExists: memberships && ((tenant) => memberships.known.has(tenant)) }
}

/** As it is written, because keys have one spelling. A header that came twice names no tenant that there is. */
function tenantNamed({ options }: Pick<Auth, 'options'>, { headers }: HttpRequest): string | undefined {
  const named = options.tenants === undefined ? undefined : headers['x-tenant']
  return Array.isArray(named) ? named.join() : named
}

/** A session that is over is nobody's; its cookie goes. */
async function bySession(parts: AuthenticateParts, request: HttpRequest, reply: HttpReply, id: string): Promise<void> {
  const { auth, cookies } = parts
  const asking = await auth.signedIn.bySession(id, tenantNamed(auth, request))
  if (asking === undefined) setCookie(reply, cookies.session, '', 0)
  else enter(parts, request, id, asking)
}

/** @throws AppError AUTH_CROSS_SITE */
function enter({ auth, isSameSite }: AuthenticateParts, request: HttpRequest, id: string, asking: Asking): void {
  if (changesSomething(request) && !isSameSite(request)) throw identityErrors.CROSS_SITE()
  if (request.exchange !== null) request.exchange.caller = asking.caller
  auth.signedIn.touch(id, asking.session)
}
