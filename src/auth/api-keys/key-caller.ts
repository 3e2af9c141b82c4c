// Who asks with an API key: its user, held to the scopes of the key; or a service, which may do what the scopes of its key say.

import type { Caller } from '../../core/caller.ts'
import { authErrors } from '../errors.ts'
import type { ApiKeys } from './api-keys.ts'
import { isKeyText } from './key-text.ts'

/** How credentials of keys begin, so that they are told from sessions. */
const prefix = 'key:'

export interface KeyCallers {
  readonly apiKeys: ApiKeys
  /** Undefined for a user who may not sign in any more. */
  callerOf(user: string, credential: string, scopes?: readonly string[]): Promise<Caller | undefined>
}

/** Undefined for a text that is no key. @throws AppError AUTH_INVALID_TOKEN */
export async function callerByKey({ apiKeys, callerOf }: KeyCallers, text: string): Promise<Caller | undefined> {
  if (!isKeyText(text)) return undefined
  const { id, owner, scopes } = await apiKeys.verify(text)
  const credential = `${prefix}${id}`
  const caller = owner.kind === 'user' ? await callerOf(owner.id, credential, scopes) : serviceOf(owner.id, credential, scopes)
  if (caller === undefined) throw authErrors.INVALID_TOKEN()
  return caller
}

/** Whether somebody asks with a key, not as a person who has signed in. */
export function asksWithKey({ credential }: Caller): boolean {
  return credential?.startsWith(prefix) === true
}

function serviceOf(id: string, credential: string, scopes: readonly string[] | undefined): Caller {
  return { kind: 'service', id, roles: [], permissions: [...(scopes ?? [])].toSorted(), scopes, tenant: undefined, credential }
}
