// A site that people sign in by: a real OpenID provider on a free port, whose visitor is always signed in and agrees to everything; and one
// that lies in whichever way a test wants.

import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'

export interface OidcServer {
  readonly issuer: string
  /** Who the visitor is. */
  account: Record<string, unknown> & { sub: string }
  /** Goes where the browser is sent, as a browser does. @returns the address that it is sent back to */
  visit(url: string): Promise<URL>
  close(): Promise<void>
}

export const client = { clientId: 'notes', clientSecret: 'a-secret-of-the-tests-that-is-long-enough' }

export async function startOidcServer(redirectUris: readonly string[]): Promise<OidcServer> {
  let callback: RequestListener = () => undefined
  const { server, issuer } = await listen((request, response) => callback(request, response))
  const state = { account: { sub: 'nobody' } as OidcServer['account'] }
  const provider = new Provider(
    issuer,
    configurationOf(redirectUris, state, () => provider),
  )
  provider.use(async ({ path, req, res }, next) => {
    if (!path.startsWith('/interaction/')) return next()
    await provider.interactionFinished(req, res, { login: { accountId: state.account.sub } })
  })
  callback = provider.callback()
  return Object.assign(state, { issuer, visit: (url: string) => visit(url, issuer), close: () => close(server) })
}

const artifacts = ['AccessToken', 'AuthorizationCode', 'Grant', 'IdToken', 'Interaction', 'Session']

function configurationOf(redirectUris: readonly string[], state: Pick<OidcServer, 'account'>, provider: () => Provider): object {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    clients: [{ client_id: client.clientId, client_secret: client.clientSecret, redirect_uris: redirectUris }],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig' }] },
    cookies: { keys: ['a key of the tests'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    ttl: Object.fromEntries(artifacts.map((name) => [name, 60])),
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ ...state.account, sub: id }) }),
    async loadExistingGrant({ oidc }: { oidc: { client: { clientId: string }; session: { accountId: string } } }) {
      const grant = new (provider().Grant)({ clientId: oidc.client.clientId, accountId: oidc.session.accountId })
      grant.addOIDCScope('openid email')
      await grant.save()
      return grant
    },
  }
}

/** Follows redirects with cookies until they lead away from the provider. */
async function visit(url: string, issuer: string): Promise<URL> {
  const cookies = new Map<string, string>()
  for (let next = new URL(url); ;) {
    if (next.origin !== issuer) return next
    const cookie = Array.from(cookies, ([name, value]) => `${name}=${value}`).join('; ')
    const reply = await fetch(next, { redirect: 'manual', headers: { cookie } })
    for (const set of reply.headers.getSetCookie()) {
      const [pair = ''] = set.split(';')
      cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
    }
    const location = reply.headers.get('location')
    if (location === null) throw new Error(`The provider answered ${reply.status}: ${(await reply.text()).slice(0, 300)}`)
    next = new URL(location, next)
  }
}

export interface LyingServer {
  readonly issuer: string
  /** Says what ID token is given for the next code; undefined: none. */
  answer: (about: { readonly key: KeyObject; readonly kid: string }) => string | undefined
  /** Bodies of requests for tokens. */
  readonly asked: URLSearchParams[]
  close(): Promise<void>
}

export async function startLyingServer(metadata: Record<string, unknown> = {}): Promise<LyingServer> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const [jwk, kid] = [publicKey.export({ format: 'jwk' }), 'its key']
  const asked: URLSearchParams[] = []
  const state: Pick<LyingServer, 'answer'> = { answer: () => undefined }
  const { server, issuer } = await listen((request, response) => {
    if (request.url === '/token') request.once('data', (body: Buffer) => asked.push(new URLSearchParams(body.toString())))
    request.once('end', () => reply(request, response)).resume()
  })
  const reply: RequestListener = (request, response) => {
    const token = request.url === '/token' ? state.answer({ key: privateKey, kid }) : undefined
    const bodies: Record<string, object> = {
      '/.well-known/openid-configuration': { ...metadataOf(issuer), ...metadata },
      '/jwks': { keys: [{ ...jwk, kid, alg: 'RS256', use: 'sig' }] },
      '/token': { access_token: 'x', token_type: 'bearer', ...(token === undefined ? {} : { id_token: token }) },
    }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(bodies[request.url ?? ''] ?? {}))
  }
  return Object.assign(state, { issuer, asked, close: () => close(server) })
}

function metadataOf(issuer: string): object {
  return {
    issuer,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    authorization_response_iss_parameter_supported: true,
  }
}

export function idToken(header: object, claims: object, key?: KeyObject): string {
  const input = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${input}.${key === undefined ? '' : sign('sha256', Buffer.from(input), key).toString('base64url')}`
}

/** What PKCE sends ahead of a verifier. */
export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url')
}

async function listen(handler: RequestListener): Promise<{ server: Server; issuer: string }> {
  const server = createServer(handler)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return { server, issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => void server.close(resolve))
}
