// Passkeys (WebAuthn): signing in by a device that has checked who holds it. What is to be signed is kept here, good for five minutes and once.

import { AsyncLocalStorage } from 'node:async_hooks'
import type {
  AuthenticationResponseJSON,
  AuthenticatorTransport,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server'
import type { AppError } from '../../core/errors.ts'
import type { Database } from '../../db/database.ts'
import { lockGeneration } from '../accounts/generations.ts'
import { keepToken, newOneTimeToken, type TokenPurpose, useToken } from '../accounts/one-time-tokens.ts'
import { factorErrors } from '../factor-errors.ts'
import { TokenFault } from '../tokens/token-fault.ts'
import { challengeOf, readRegistration, readSignIn } from './passkey-reply.ts'
import { findPasskey, insertPasskey, listPasskeys, notePasskeyUse, type Passkey, type PasskeyRow, removePasskeys } from './passkey-rows.ts'

export interface PasskeysOptions {
  readonly db: Database
  /** Domain that passkeys are for: `example.com`. Pages of it and of the domains below it may ask for them. */
  readonly rpId: string
  /** Of the application, as devices show it. */
  readonly rpName: string
  /** Of the pages that may ask: `https://app.example.com`. */
  readonly origins: readonly string[]
}

export interface PasskeyUser {
  readonly id: string
  readonly email: string
}

/** ES256, EdDSA, RS256: what devices have. */
const algorithms = [-7, -8, -257]
/** Of one user. All of them are sent to the browser at each sign-in. */
const mostPasskeys = 20

export class Passkeys {
  readonly #options: PasskeysOptions
  /** That something was signed is not undone with a transaction of the caller. */
  readonly #outside = AsyncLocalStorage.snapshot()

  constructor(options: PasskeysOptions) {
    this.#options = options
  }

  /** What `navigator.credentials.create` is given, for a user who is signed in. */
  async startRegistration({ id, email }: PasskeyUser): Promise<PublicKeyCredentialCreationOptionsJSON> {
    const { db, rpId: rpID, rpName } = this.#options
    const { generateRegistrationOptions } = await import('@simplewebauthn/server')
    const existing = await listPasskeys(db, id)
    return generateRegistrationOptions({
      rpID,
      rpName,
      userName: email,
      userID: Uint8Array.from(Buffer.from(id)),
      challenge: await this.#newChallenge('passkey_registration', id),
      attestationType: 'none',
      excludeCredentials: existing.map(described),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      supportedAlgorithmIDs: algorithms,
    })
  }

  /**
   * Keeps a passkey for the user who asked for it.
   *
   * @param reply  JSON of what `navigator.credentials.create` gave
   * @param name   what the user calls it
   * @param demand refuses, in the transaction that keeps it, a user who may not have one any more
   * @throws       AppError AUTH_WRONG_PASSKEY, whose cause says why; AUTH_TOO_MANY_PASSKEYS. And what `demand` throws
   */
  async finishRegistration(user: string, reply: unknown, name: string, demand?: () => Promise<void>): Promise<Passkey> {
    const response = accepted(() => readRegistration(reply))
    const challenge = await this.#use('passkey_registration', response, user)
    const credential = await refusing(() => this.#verifyRegistration(response, challenge))
    const { id, publicKey, counter: signCount } = credential
    const transports = credential.transports ?? []
    const row = { id, user, publicKey: Buffer.from(publicKey), signCount, transports, name }
    const { db } = this.#options
    const kept = await db.transaction(async () => {
      await demand?.()
      // One after the other for each user: two at once would both be the last one.
      await lockGeneration(db, user)
      if ((await listPasskeys(db, user)).length >= mostPasskeys) throw factorErrors.TOO_MANY_PASSKEYS(mostPasskeys)
      return insertPasskey(db, row)
    })
    if (kept === undefined) throw wrong('is known already')
    return shown(kept)
  }

  /** What `navigator.credentials.get` is given: the device offers its accounts. */
  async startSignIn(): Promise<PublicKeyCredentialRequestOptionsJSON> {
    const { generateAuthenticationOptions } = await import('@simplewebauthn/server')
    return generateAuthenticationOptions({
      rpID: this.#options.rpId,
      challenge: await this.#newChallenge('passkey_sign_in', ''),
      allowCredentials: [],
      userVerification: 'required',
    })
  }

  /**
   * Who has signed.
   *
   * @param reply  JSON of what `navigator.credentials.get` gave
   * @throws       AppError AUTH_WRONG_PASSKEY; the cause says why
   */
  async finishSignIn(reply: unknown): Promise<{ readonly user: string; readonly passkey: Passkey }> {
    const response = accepted(() => readSignIn(reply))
    const row = await findPasskey(this.#options.db, response.id)
    const challenge = await this.#use('passkey_sign_in', response, '')
    if (row === undefined) throw wrong('is not known')
    const signCount = await refusing(() => this.#verifySignIn(response, challenge, row))
    const isNew = await this.#outside(() => notePasskeyUse(this.#options.db, row.id, signCount))
    if (!isNew) throw wrong('has a counter that went back')
    return { user: row.user, passkey: shown(row) }
  }

  /** The newest first. */
  async list(user: string): Promise<Passkey[]> {
    return (await listPasskeys(this.#options.db, user)).map(shown)
  }

  /** @returns false when the user has no such passkey */
  async remove(user: string, id: string): Promise<boolean> {
    return (await removePasskeys(this.#options.db, user, id)) > 0
  }

  async #newChallenge(purpose: TokenPurpose, user: string): Promise<Uint8Array<ArrayBuffer>> {
    const token = newOneTimeToken()
    await this.#outside(() => keepToken(this.#options.db, token, { purpose, user, data: {} }))
    return Uint8Array.from(Buffer.from(token.token, 'base64url'))
  }

  /** Used up before anything is verified: nobody tries twice with one. */
  async #use(purpose: TokenPurpose, reply: Parameters<typeof challengeOf>[0], owner: string): Promise<string> {
    const challenge = challengeOf(reply) ?? ''
    const used = await this.#outside(() => useToken(this.#options.db, challenge, [purpose]))
    if (used === undefined || used.user !== owner) throw wrong('signed what was not asked for, or was signed before')
    return challenge
  }

  async #verifyRegistration(response: RegistrationResponseJSON, expectedChallenge: string) {
    const { verifyRegistrationResponse } = await import('@simplewebauthn/server')
    await demandNoCertificates(response)
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response,
      expectedChallenge,
      expectedOrigin: [...this.#options.origins],
      expectedRPID: this.#options.rpId,
      requireUserVerification: true,
      supportedAlgorithmIDs: algorithms,
    })
    if (!verified) throw new TokenFault('has a wrong signature')
    if (registrationInfo.credential.id !== response.id) throw new TokenFault('has two ids')
    return registrationInfo.credential
  }

  async #verifySignIn(response: AuthenticationResponseJSON, expectedChallenge: string, row: PasskeyRow): Promise<number> {
    const { verifyAuthenticationResponse } = await import('@simplewebauthn/server')
    const { userHandle } = response.response
    if (userHandle !== undefined && Buffer.from(userHandle, 'base64url').toString() !== row.user)
      throw new TokenFault('says that it is of somebody else')
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response,
      expectedChallenge,
      expectedOrigin: [...this.#options.origins],
      expectedRPID: this.#options.rpId,
      requireUserVerification: true,
      credential: { id: row.id, publicKey: Uint8Array.from(row.publicKey), counter: row.signCount },
    })
    if (!verified) throw new TokenFault('has a wrong signature')
    return authenticationInfo.newCounter
  }
}

/** With certificates the library would ask addresses in them whether they were revoked: anybody could make us call whatever he names. */
async function demandNoCertificates({ response }: RegistrationResponseJSON): Promise<void> {
  const { decodeAttestationObject } = await import('@simplewebauthn/server/helpers')
  const attestation = decodeAttestationObject(Uint8Array.from(Buffer.from(response.attestationObject, 'base64url')))
  const isPlain =
    attestation.get('fmt') === 'none' || (attestation.get('fmt') === 'packed' && attestation.get('attStmt').get('x5c') === undefined)
  if (!isPlain) throw new TokenFault('comes with a certificate that nobody asked for')
}

function described({ id, transports }: PasskeyRow): { id: string; transports: AuthenticatorTransport[] } {
  return { id, transports: [...transports] as AuthenticatorTransport[] }
}

function shown({ id, name, createdAt, usedAt }: PasskeyRow): Passkey {
  return { id, name, createdAt, usedAt }
}

function wrong(reason: string, cause: unknown = new TokenFault(reason)): AppError {
  return factorErrors.WRONG_PASSKEY().with({ cause })
}

function accepted<read>(work: () => read): read {
  try {
    return work()
  } catch (error) {
    throw wrong('', error)
  }
}

/** Everything that the library throws means that it does not accept the reply. */
async function refusing<result>(work: () => Promise<result>): Promise<result> {
  try {
    return await work()
  } catch (error) {
    throw wrong('', error)
  }
}
