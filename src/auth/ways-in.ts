// What signs somebody in beside a password: keys of programs, codes of telephones, passkeys, other sites. Put together once; asks nothing yet.

import type { Config } from '../core/config.ts'
import type { AccountParts } from './accounts/parts.ts'
import { accountErrors } from './account-errors.ts'
import { ApiKeys } from './api-keys/api-keys.ts'
import { Invitations } from './invitations/invitations.ts'
import { OAuthSignIn } from './oauth/oauth-sign-in.ts'
import type { AuthOptions } from './options.ts'
import { Passkeys } from './passkeys/passkeys.ts'
import { SecondFactors } from './second-factors/second-factors.ts'

export interface WaysIn {
  readonly apiKeys: ApiKeys
  readonly factors: SecondFactors
  readonly passkeys: Passkeys
  readonly oauth: OAuthSignIn
  readonly invitations: Invitations
}

/** @param name  of the application, as devices and telephones show it @throws AppError AUTH_INVALID_SETUP */
export function createWaysIn(options: AuthOptions, parts: AccountParts, config: Config, name: string): WaysIn {
  const { db, limits, users } = parts
  const { secretKey: secret } = config.secrets
  const page = new URL(config.app.url)
  const api = (config.api.url ?? page.origin).replace(/\/+$/, '')
  const providers = options.providers ?? {}
  const wrong = Object.keys(providers).filter((provider) => !/^[a-z][a-z\d-]{0,31}$/.test(provider))
  if (wrong.length > 0) throw accountErrors.INVALID_SETUP(`providers have names such as "google", not ${JSON.stringify(wrong[0])}`)
  return {
    apiKeys: new ApiKeys(db, ({ id, owner }) =>
      parts.audit.record({ action: 'key.used', actor: owner.id, details: { key: id, owner: owner.kind } }),
    ),
    factors: new SecondFactors({ db, limits, secret, issuer: name }),
    passkeys: new Passkeys({ db, rpId: page.hostname, rpName: name, origins: [page.origin] }),
    invitations: new Invitations(parts, options.invitationAccepted),
    oauth: new OAuthSignIn({
      db,
      users,
      secret,
      providers,
      mayAdd: options.signUp !== 'closed',
      redirectUri: (provider) => `${api}/auth/oauth/${provider}/callback`,
    }),
  }
}
