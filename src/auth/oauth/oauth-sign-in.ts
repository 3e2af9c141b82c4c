// Signing in by another site: the authorization code flow of OpenID Connect with PKCE, state and nonce. All three are made of one random
// text that only the browser has; the database keeps its hash, for ten minutes and one use.

import { AsyncLocalStorage } from 'node:async_hooks'
import { createHmac } from 'node:crypto'
import type { AppError } from '../../core/errors.ts'
import { keepToken, newOneTimeToken, useToken } from '../accounts/one-time-tokens.ts'
import { factorErrors } from '../factor-errors.ts'
import { derivedKey } from '../sealed.ts'
import { TokenFault } from '../tokens/token-fault.ts'
import { accountOf, type AccountParts, demandConnected, type Found, type Named } from './account-of.ts'
import { type Connection, disconnect, listConnections } from './oauth-rows.ts'
import { type OAuthProvider, ProviderClient } from './provider.ts'

export interface OAuthSignInOptions extends AccountParts {
  /** SECRET_KEY. */
  readonly secret: string
  /** Where the other site sends people back to, for the provider of that name: always the same text, whatever the request says. */
  readonly redirectUri: (provider: string) => string
  readonly providers: Readonly<Record<string, OAuthProvider>>
}

/** Somebody who is signed in, and by which session. */
export interface Connecting {
  readonly user: string
  /** What names the session. */
  readonly session: string
}

export interface StartOptions {
  /** Who wants to connect the other site. */
  readonly connecting?: Connecting
  /** Where the browser goes in the end: a path of the application. */
  readonly returnTo?: string
}

export interface Finished extends Found {
  readonly returnTo: string | undefined
  /** A user who was signed in has connected the other site. */
  readonly isConnected: boolean
}

export interface Returned {
  /** All that stands behind the question mark of the address that the browser came back to. */
  readonly query: string
  /** What `start` gave the browser to keep. */
  readonly state: string | undefined
  /** What names the session that the browser shows, when there is one and it is not over. */
  readonly session?: string | undefined
  /** Refuses, in the transaction that connects the other site, a user who may not any more. */
  readonly demand?: () => Promise<void>
}

export class OAuthSignIn {
  readonly #options: OAuthSignInOptions
  readonly #clients: ReadonlyMap<string, ProviderClient>
  readonly #key: Buffer
  /** That a state was used is not undone with a transaction of the caller. */
  readonly #outside = AsyncLocalStorage.snapshot()

  constructor(options: OAuthSignInOptions) {
    this.#options = options
    this.#clients = new Map(Object.entries(options.providers).map(([name, provider]) => [name, new ProviderClient(provider)]))
    this.#key = derivedKey(options.secret, 'oauth')
  }

  /**
   * Where the browser is sent to, and what it keeps meanwhile, in a cookie that no page can read.
   *
   * @throws AppError AUTH_UNKNOWN_PROVIDER, AUTH_PROVIDER_UNAVAILABLE
   */
  async start(name: string, { connecting, returnTo }: StartOptions = {}): Promise<{ readonly url: string; readonly state: string }> {
    const client = this.#client(name)
    const configuration = await client.configuration()
    const { buildAuthorizationUrl, calculatePKCECodeChallenge } = await import('openid-client')
    const token = newOneTimeToken()
    const data = { provider: name, session: connecting?.session, returnTo }
    await this.#outside(() => keepToken(this.#options.db, token, { purpose: 'oauth', user: connecting?.user ?? '', data }))
    const url = buildAuthorizationUrl(configuration, {
      redirect_uri: this.#options.redirectUri(name),
      scope: client.provider.scope ?? 'openid email',
      state: token.token,
      nonce: this.#derived('nonce', token.token),
      code_challenge: await calculatePKCECodeChallenge(this.#derived('verifier', token.token)),
      code_challenge_method: 'S256',
    })
    return { url: url.href, state: token.token }
  }

  /**
   * Who has come back.
   *
   * @throws AppError AUTH_PROVIDER_REFUSED, whose cause says why; AUTH_PROVIDER_UNAVAILABLE, AUTH_ADDRESS_NOT_CONFIRMED, AUTH_ACCOUNT_EXISTS, AUTH_SIGN_UP_CLOSED
   */
  async finish(name: string, { query, state, session, demand }: Returned): Promise<Finished> {
    const client = this.#client(name)
    const states = new URLSearchParams(query).getAll('state')
    if (state === undefined || states.length !== 1 || states[0] !== state) throw refused('came back to another browser')
    const begun = await this.#outside(() => useToken(this.#options.db, state, ['oauth']))
    if (begun === undefined) throw refused('was not begun here, took too long, or came back before')
    if (begun.data['provider'] !== name) throw refused('was begun with another provider')
    // Or what was begun would outlive the session: a thief who is signed out would come back ten minutes later and connect himself.
    if (begun.user !== '' && begun.data['session'] !== session) throw refused('was begun by a session that is over, or not the one shown')
    const named = await this.#exchange(name, client, query, state)
    const found =
      begun.user === ''
        ? await accountOf(this.#options, named, client.provider, name)
        : await this.#connect(begun.user, named, name, demand)
    const { returnTo } = begun.data
    return { ...found, returnTo: typeof returnTo === 'string' ? returnTo : undefined, isConnected: begun.user !== '' }
  }

  list(user: string): Promise<Connection[]> {
    return listConnections(this.#options.db, user)
  }

  /** @param provider  all without it. @returns false when there was none */
  async disconnect(user: string, provider?: string): Promise<boolean> {
    return (await disconnect(this.#options.db, user, provider)) > 0
  }

  #client(name: string): ProviderClient {
    const client = this.#clients.get(name)
    if (client === undefined) throw factorErrors.UNKNOWN_PROVIDER()
    return client
  }

  /** The library compares state, nonce, PKCE and the issuer in the answer (RFC 9207), and checks the signature. */
  async #exchange(name: string, client: ProviderClient, query: string, state: string): Promise<Named> {
    const configuration = await client.configuration()
    const { authorizationCodeGrant } = await import('openid-client')
    const address = new URL(this.#options.redirectUri(name))
    address.search = query
    const checks = {
      expectedState: state,
      expectedNonce: this.#derived('nonce', state),
      pkceCodeVerifier: this.#derived('verifier', state),
      idTokenExpected: true,
    }
    const claims = await authorizationCodeGrant(configuration, address, checks).then(
      (tokens) => tokens.claims(),
      (cause: unknown) => {
        throw isUnreachable(cause) ? factorErrors.PROVIDER_UNAVAILABLE().with({ cause }) : factorErrors.PROVIDER_REFUSED().with({ cause })
      },
    )
    if (claims === undefined) throw refused('did not say who it is')
    return { issuer: claims.iss, subject: claims.sub, email: claims['email'], emailVerified: claims['email_verified'], claims }
  }

  async #connect(user: string, named: Named, name: string, demand?: () => Promise<void>): Promise<Found> {
    const found = await this.#options.users.find(user)
    if (found === undefined || found.disabled) throw refused('was begun by a user who is gone or disabled')
    await this.#options.db.transaction(async () => {
      await demand?.()
      await demandConnected(this.#options, named, user, name)
    })
    return { user: found, isNew: false }
  }

  #derived(purpose: string, state: string): string {
    return createHmac('sha256', this.#key).update(`${purpose}\n${state}`).digest('base64url')
  }
}

function refused(reason: string): AppError {
  return factorErrors.PROVIDER_REFUSED().with({ cause: new TokenFault(reason) })
}

/** What `fetch` and its time-out throw. */
function isUnreachable(error: unknown): boolean {
  const { code, cause } = error as { code?: string; cause?: unknown }
  return code === 'OAUTH_TIMEOUT' || error instanceof TypeError || (cause instanceof TypeError && code === undefined)
}
