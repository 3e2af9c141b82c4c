// What signs somebody in beside a password: keys of programs, codes of telephones, passkeys, other sites. Put together once; asks nothing yet.

import type { Config } from '../core/config.ts'
import type { AccountParts } from './accounts/parts.ts'
import { accountErrors } from './account-errors.ts'
import { ApiKeys } from './api-keys/api-keys.ts'
import type { KeyOwner } from './api-keys/key-rows.ts'
import { Invitations } from './invitations/invitations.ts'
import { OAuthSignIn } from './oauth/oauth-sign-in.ts'
import type { AuthOptions } from './options.ts'
import { Passkeys } from './passkeys/passkeys.ts'
import { SecondFactors } from './second-factors/second-factors.ts'
import { isKey } from './tenants/memberships.ts'
import { tenantErrors } from './tenants/tenant-errors.ts'

export interface WaysIn {
  readonly apiKeys: ApiKeys
  readonly factors: SecondFactors
  readonly passkeys: Passkeys
  readonly oauth: OAuthSignIn
  readonly invitations: Invitations
}

/** A user's is one that he belongs to, a service's any that there is. Without tables of tenants a service alone has one, by its name. */
async function demandTenant({ members, memberships }: AccountParts, { kind, id }: KeyOwner, tenant: string): Promise<void> {
  const [member, isThere] = await Promise.all([
    kind === 'user' ? members.find(id) : undefined,
    kind === 'service' ? (memberships?.exists(tenant) ?? isKey(tenant)) : false,
  ])
  if (!isThere && member?.tenants.includes(tenant) !== true) throw tenantErrors.NOT_A_MEMBER()
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
    apiKeys: new ApiKeys(db, {
      onUse: ({ id, owner }, origin) =>
        parts.audit.record({ ...origin, action: 'key.used', actor: owner.id, details: { key: id, owner: owner.kind } }),
      demandTenant: (owner, tenant) => demandTenant(parts, owner, tenant),
    }),
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
