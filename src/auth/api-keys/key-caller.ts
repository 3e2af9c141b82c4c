// Who asks with an API key: its user, held to the scopes of the key; or a service, which may do what the scopes of its key say.

import type { Caller } from '../../core/caller.ts'
import type { CallerWish } from '../signed-in.ts'
import { tenantErrors } from '../tenants/tenant-errors.ts'
import { invalidToken } from '../tokens/token-fault.ts'
import type { ApiKeys } from './api-keys.ts'
import type { ApiKey } from './key-rows.ts'
import { isKeyText } from './key-text.ts'

/** How credentials of keys begin, so that they are told from sessions. */
const prefix = 'key:'

export interface KeyCallers {
  readonly apiKeys: ApiKeys
  /** Undefined for a user who may not sign in any more, or does not belong to the tenant of the key any more. */
  callerOf(user: string, wish: CallerWish): Promise<Caller | undefined>
  /** Undefined where the application has no table of tenants: then each is there. */
  readonly tenantExists?: ((tenant: string) => Promise<boolean>) | undefined
}

/**
 * Undefined for a text that is no key.
 *
 * @param named  tenant that the request names: a key that is for one tenant is for no other, and a service belongs to that of its key alone
 * @throws AppError AUTH_INVALID_TOKEN, AUTH_NOT_A_MEMBER
 */
export async function callerByKey(keys: KeyCallers, text: string, named?: string): Promise<Caller | undefined> {
  if (!isKeyText(text)) return undefined
  const apiKey = await keys.apiKeys.verify(text)
  const { owner, tenant: bound } = apiKey
  const isHeld = bound !== undefined || owner.kind === 'service'
  if (isHeld && named !== undefined && named !== bound) throw tenantErrors.NOT_A_MEMBER()
  const caller = owner.kind === 'user' ? await userOf(keys, apiKey, named) : await serviceOf(keys, apiKey)
  if (caller === undefined) throw invalidToken('is of a user who is gone, disabled, or in its tenant no more')
  return caller
}

/** Whether somebody asks with a key, not as a person who has signed in. */
export function asksWithKey({ credential }: Caller): boolean {
  return credential?.startsWith(prefix) === true
}

/** The same object as long as what is known of the key is. */
const services = new WeakMap<ApiKey, Caller>()

function userOf({ callerOf }: KeyCallers, apiKey: ApiKey, named: string | undefined): Promise<Caller | undefined> {
  const { owner, scopes, tenant: bound } = apiKey
  return callerOf(owner.id, { credential: credentialOf(apiKey), scopes, bound, named })
}

/** Its key ends with its tenant. */
async function serviceOf({ tenantExists }: KeyCallers, apiKey: ApiKey): Promise<Caller | undefined> {
  const { tenant } = apiKey
  if (tenant !== undefined && tenantExists !== undefined && !(await tenantExists(tenant))) return undefined
  return callerOfService(apiKey)
}

function callerOfService(apiKey: ApiKey): Caller {
  const known = services.get(apiKey)
  if (known !== undefined) return known
  const { owner, scopes, tenant } = apiKey
  const permissions = [...(scopes ?? [])].toSorted()
  const caller: Caller = { kind: 'service', id: owner.id, roles: [], permissions, scopes, tenant, credential: credentialOf(apiKey) }
  services.set(apiKey, caller)
  return caller
}

function credentialOf({ id }: ApiKey): string {
  return `${prefix}${id}`
}
