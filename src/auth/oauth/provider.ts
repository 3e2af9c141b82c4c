// Sites that people sign in by: OpenID Connect, found by the address of the issuer. The library is loaded when somebody uses one.

import type { Configuration } from 'openid-client'
import { factorErrors } from '../factor-errors.ts'
import type { OwnValues } from '../accounts/users.ts'

export interface OAuthProvider {
  /** `https://accounts.google.com`: what stands before `/.well-known/openid-configuration`. Only on this machine may it be http. */
  readonly issuer: string
  readonly clientId: string
  /** Without it the application is a public client. */
  readonly clientSecret?: string
  /** How the secret is sent. Default: `basic`. */
  readonly clientAuth?: 'basic' | 'post'
  /** Default: `openid email`. */
  readonly scope?: string
  /**
   * Whether an address that it calls confirmed finds an account here that has no other way in: for a site that is sure of the addresses of its
   * people, and gives none to somebody else later. Default: false.
   */
  readonly trustsEmail?: boolean
  /** Values of own columns of a user who comes for the first time, out of what the site says. */
  readonly fields?: (claims: Readonly<Record<string, unknown>>) => OwnValues
}

const loopback = new Set(['localhost', '127.0.0.1', '[::1]'])
const timeoutSeconds = 5
/** Keys and addresses are asked for again after so long. */
const keepMs = 3_600_000

/** What is known of one provider, asked for once an hour and not before it is needed. */
export class ProviderClient {
  readonly provider: OAuthProvider
  #found: { readonly configuration: Promise<Configuration>; readonly at: number } | undefined

  constructor(provider: OAuthProvider) {
    this.provider = provider
  }

  /** @throws AppError AUTH_PROVIDER_UNAVAILABLE */
  async configuration(): Promise<Configuration> {
    if (this.#found === undefined || performance.now() - this.#found.at > keepMs)
      this.#found = { configuration: discover(this.provider), at: performance.now() }
    try {
      return await this.#found.configuration
    } catch (cause) {
      this.#found = undefined
      throw factorErrors.PROVIDER_UNAVAILABLE().with({ cause })
    }
  }
}

/** The issuer that answers must be the one that was asked, and its signature on what it says of people is checked, also over TLS. */
async function discover({ issuer, clientId, clientSecret, clientAuth = 'basic' }: OAuthProvider): Promise<Configuration> {
  const { allowInsecureRequests, ClientSecretBasic, ClientSecretPost, discovery, enableNonRepudiationChecks, None } =
    await import('openid-client')
  const server = new URL(issuer)
  const insecure = server.protocol === 'http:' && loopback.has(server.hostname) ? [allowInsecureRequests] : []
  const authentication =
    clientSecret === undefined ? None() : clientAuth === 'post' ? ClientSecretPost(clientSecret) : ClientSecretBasic(clientSecret)
  const execute = [...insecure, enableNonRepudiationChecks]
  return discovery(server, clientId, undefined, authentication, { execute, timeout: timeoutSeconds })
}
