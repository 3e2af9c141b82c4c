// What a browser sends when a passkey has signed something: JSON of somebody whom nobody knows yet. Here it becomes what the library takes.

import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'
import { TokenFault } from '../tokens/token-fault.ts'

/** Characters. Real ones have one to three thousand. */
const longest = 16_384

/** @throws TokenFault */
export function readRegistration(reply: unknown): RegistrationResponseJSON {
  return read(reply, ['clientDataJSON', 'attestationObject']) as unknown as RegistrationResponseJSON
}

/** @throws TokenFault */
export function readSignIn(reply: unknown): AuthenticationResponseJSON {
  return read(reply, ['clientDataJSON', 'authenticatorData', 'signature']) as unknown as AuthenticationResponseJSON
}

/** The challenge that was signed; undefined when none can be read. */
export function challengeOf({ response }: { readonly response: { readonly clientDataJSON: string } }): string | undefined {
  try {
    const { challenge } = JSON.parse(Buffer.from(response.clientDataJSON, 'base64url').toString()) as { challenge?: unknown }
    return typeof challenge === 'string' ? challenge : undefined
  } catch {
    return undefined
  }
}

function read(reply: unknown, names: readonly string[]): Readonly<Record<string, unknown>> {
  const { id, rawId, type, response } = objectOf(reply)
  const parts = objectOf(response)
  const texts = [id, rawId, type, ...names.map((name) => parts[name])]
  if (!texts.every((text) => typeof text === 'string' && text !== '' && text.length <= longest))
    throw new TokenFault('is no reply of a passkey')
  return { id, rawId, type, response: parts, clientExtensionResults: {} }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new TokenFault('is no reply of a passkey')
  return value as Readonly<Record<string, unknown>>
}
