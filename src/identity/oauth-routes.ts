// Signing in by other sites: there, back again, and which of them belong to the caller.

import { factorErrors } from '../auth/factor-errors.ts'
import type { JsonSchema } from '../model/kinds/kind.ts'
import type { HttpReply, HttpRequest } from '../http/route.ts'
import { readCookie, setCookie } from './cookies.ts'
import { identityErrors } from './errors.ts'
import { demandCaller, type Face, type IdentityRoute, originOf, reply as send, signedInSecurity } from './face.ts'
import { notingFailure } from './failed-sign-in.ts'
import { askForCode, oauthCodeRoute } from './oauth-code-route.ts'
import { byProvider, demandRecentSignIn, demandStillSignedIn, tellOwner } from './recent-sign-in.ts'
import { framed, noContent, objectOf } from './schemas.ts'

/** As long as a sign-in elsewhere may take. */
const awayMs = 10 * 60_000
const provider = objectOf({ provider: { type: 'string', maxLength: 32 } })
/** A path of our own pages: nothing that a browser could take for another host, also not when `/.` has been taken out of `/.//host`. */
const returnTo: JsonSchema = { type: 'string', maxLength: 1_000, pattern: '^(?![^?#]*//)/[^\\\\\\s]*$' }
const moved: JsonSchema = { type: 'null', description: 'To the other site, or back to the pages of the application.' }
const connectionSchema = objectOf({ provider: { type: 'string' }, created_at: { type: 'string', format: 'date-time' } })

interface Named {
  readonly provider: string
}

/** None for an application that names no providers. */
export function oauthRoutes(face: Face, appUrl: string): IdentityRoute[] {
  return Object.keys(face.auth.options.providers ?? {}).length === 0
    ? []
    : [...wayRoutes(face, appUrl), oauthCodeRoute(face), ...ownRoutes(face)]
}

function wayRoutes(face: Face, appUrl: string): IdentityRoute[] {
  return [
    {
      method: 'GET',
      url: '/auth/oauth/:provider',
      answers: 'sign in by another site',
      schema: {
        summary: 'Go to another site to sign in',
        params: provider,
        querystring: objectOf({ return_to: returnTo }, ['return_to']),
        response: { 302: moved },
      },
      handler: (request, reply) => leave(face, request, reply),
    },
    {
      method: 'GET',
      url: '/auth/oauth/:provider/callback',
      answers: 'come back from another site',
      schema: { summary: 'Where the other site sends browsers back to', params: provider, response: { 302: moved } },
      handler: (request, reply) => comeBack(face, appUrl, request, reply),
    },
  ]
}

function ownRoutes(face: Face): IdentityRoute[] {
  const security = signedInSecurity
  const { oauth } = face.auth.ways
  return [
    {
      method: 'POST',
      url: '/auth/oauth/:provider/connect',
      answers: 'connect another site',
      schema: {
        summary: 'Begin to connect another site; the browser is then sent to the address',
        params: provider,
        response: { 200: framed(face.format, 'The address.', objectOf({ url: { type: 'string' } })) },
        security,
      },
      handler: (request, reply) => connect(face, request, reply),
    },
    {
      method: 'GET',
      url: '/auth/oauth',
      answers: 'connected sites',
      schema: {
        summary: 'Other sites that the caller signs in by',
        response: { 200: framed(face.format, 'Sites.', { type: 'array', items: connectionSchema }) },
        security,
      },
      async handler(request, reply) {
        const list = await oauth.list(demandCaller(request).id)
        return send(
          face,
          reply,
          200,
          list.map(({ provider: name, createdAt }) => ({ provider: name, created_at: createdAt })),
        )
      },
    },
    {
      method: 'DELETE',
      url: '/auth/oauth/:provider',
      answers: 'disconnect another site',
      schema: { summary: 'Disconnect another site', params: provider, response: { 204: noContent }, security },
      async handler(request, reply) {
        const { id } = demandCaller(request)
        const { provider: name } = request.params as Named
        if (!(await oauth.disconnect(id, name))) throw factorErrors.UNKNOWN_CREDENTIAL()
        await face.auth.audit.record({ action: 'provider.disconnected', actor: id, address: request.ip, details: { provider: name } })
        return reply.code(204).send()
      },
    },
  ]
}

/** Every page can have its visitors' browsers fetch this as an image or show it in a frame, and use up what their address may begin. */
function isNavigation({ headers: { 'sec-fetch-mode': mode = 'navigate', 'sec-fetch-dest': dest = 'document' } }: HttpRequest): boolean {
  // A service worker that hands a navigation on makes the destination `empty`.
  return mode === 'navigate' && (dest === 'document' || dest === 'empty')
}

/** Never connects anything to an account: any page can send a browser here. */
async function leave(face: Face, request: HttpRequest, reply: HttpReply): Promise<unknown> {
  const { auth, cookies } = face
  if (!isNavigation(request)) throw identityErrors.CROSS_SITE()
  await auth.parts.limits.begin('provider', request.ip)
  const { return_to: path } = request.query as { readonly return_to?: string }
  const { url, state } = await auth.ways.oauth.start((request.params as Named).provider, path === undefined ? {} : { returnTo: path })
  setCookie(reply, cookies.away, state, awayMs)
  return reply.redirect(url, 302)
}

/** By POST, which a page of another site cannot send with the session: or it would connect its own account to that of its visitor. */
async function connect(face: Face, request: HttpRequest, reply: HttpReply): Promise<unknown> {
  const { credential: session } = demandCaller(request)
  const user = await demandRecentSignIn(face, request)
  const { url, state } = await face.auth.ways.oauth.start((request.params as Named).provider, { connecting: { user, session } })
  setCookie(reply, face.cookies.away, state, awayMs)
  return send(face, reply, 200, { url })
}

async function comeBack(face: Face, appUrl: string, request: HttpRequest, reply: HttpReply): Promise<unknown> {
  const { auth, cookies } = face
  const { provider: name } = request.params as Named
  const state = readCookie(request, cookies.away)
  setCookie(reply, cookies.away, '', 0)
  const query = request.url.slice(request.url.indexOf('?') + 1)
  const session = request.exchange?.caller.credential
  const finished = auth.ways.oauth.finish(name, { query, state, session, demand: demandStillSignedIn(face, request) })
  const { user, isNew, isConnected, returnTo: path = '/' } = await notingFailure(face, request, { provider: name }, finished)
  const home = new URL(path, appUrl)
  if (isConnected) {
    await auth.audit.record({ action: 'provider.connected', actor: user.id, address: request.ip, details: { provider: name } })
    await tellOwner(face, user.id, `the site "${name}" can sign in to it now`)
    // Signed in already, and not by this.
    return reply.redirect(home.href, 302)
  }
  if (isNew) await auth.audit.record({ action: 'account.created', actor: user.id, address: request.ip, details: { provider: name } })
  if (await auth.ways.factors.isOn(user.id)) return askForCode(face, user, home, reply)
  const before = readCookie(request, cookies.session)
  if (before !== undefined) await auth.parts.sessions.delete(before)
  const { id, session: opened } = await auth.signedIn.open(user, originOf(request))
  await auth.parts.sessions.update(id, byProvider(opened, name))
  setCookie(reply, cookies.session, id, auth.signedIn.lifetimeMs)
  return reply.redirect(home.href, 302)
}
