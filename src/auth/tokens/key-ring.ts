// The signing keys that a process knows. It looks for others while it is used, so that a new key is known everywhere without a restart, and
// believes no answer that is older than a second: a key that was ended neither signs nor counts, also in a process that had nothing to do.
//
// A new key signs a few seconds after it was made: by then every process has looked. Only where there is no other does it sign at once, and
// whoever is shown it asks. The key before it is accepted until the last token it signed has expired.

import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import type { Database } from '../../db/database.ts'
import { createSealer, type Sealer } from '../sealed.ts'
import { newKeyMaterial, type Signer, signerOf, type SigningAlgorithm, type Verifier, verifierOf } from './algorithms.ts'
import { endKey, type KeyRow, listKeys, replaceKey } from './key-rows.ts'

/** Milliseconds. */
export interface KeyTiming {
  /** Keys are looked for again after so long, and sooner only when somebody names one that is not known. */
  readonly freshMs: number
  /** So long after it was asked for an answer is believed. Longer than `freshMs`: who is in use waits for none. */
  readonly believedMs: number
  /** From when on a new key signs, because others know it by then. */
  readonly settleMs: number
  /** How long processes that cannot use a new key, because they have another secret, sign with the one before: a deployment's time. */
  readonly handoverMs: number
}

const usualTiming: KeyTiming = { freshMs: 400, believedMs: 800, settleMs: 5_000, handoverMs: 15 * 60_000 }
/** Who names an unknown key makes us ask twenty times a second at most, one question after the other, however many are named. */
const unknownMs = 50

export interface VerifyingKey {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly verify: Verifier
  /** Moment of `performance.now()`. */
  readonly endsAt: number
}

export interface SigningKey {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly sign: Signer
}

/** A public key as RFC 8037 writes it. */
export interface PublicJwk {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly alg: 'EdDSA'
  readonly use: 'sig'
  readonly kid: string
  readonly x: string
}

/** A key, for people. */
export interface KeyDescription {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly createdAt: Date
  /** Whether this process signs with it now. */
  readonly signs: boolean
  /** From then on nothing that it signed is accepted; undefined for the current key. */
  readonly endsAt: Date | undefined
}

export interface KeyRingOptions {
  readonly db: Database
  /** JWT_SECRET_KEY. When it changes, a new key signs; public keys go on verifying what was signed before. */
  readonly secret: string
  readonly algorithm: SigningAlgorithm
  /** Longest time from a token's signing to its last acceptance, in milliseconds. */
  readonly tokenMs: number
  /** A key that has signed for so long is replaced. */
  readonly replaceAfterMs: number
  /** Only tests are in a hurry. */
  readonly timing?: KeyTiming
}

interface KnownKey extends VerifyingKey {
  readonly row: KeyRow
  /** Undefined when it was sealed with another secret. */
  readonly sign: Signer | undefined
  /** Moment of `performance.now()`. */
  readonly madeAt: number
}

export class KeyRing {
  readonly #options: KeyRingOptions
  readonly #sealer: Sealer
  readonly #timing: KeyTiming
  /** A transaction of the caller must not undo a new key. */
  readonly #outside = AsyncLocalStorage.snapshot()
  /** The newest first. */
  #keys: readonly KnownKey[] = []
  #askedAt = -Infinity
  /** When the last question was asked that had an answer. */
  #knownAt = -Infinity
  /** Why the last question had no answer. */
  #failure: unknown
  #asking: Promise<void> | undefined

  constructor(options: KeyRingOptions) {
    this.#options = options
    this.#timing = options.timing ?? usualTiming
    this.#sealer = createSealer(options.secret, 'signing keys')
  }

  /** The key that signs now; made when there is none. @throws what the database room throws */
  async signer(): Promise<SigningKey> {
    this.#lookAgain()
    if (!this.#isBelieved()) await this.#askAnew()
    const found = this.#choose()
    if (found !== undefined && !this.#isOld()) return found
    await this.rotate()
    const made = this.#choose()
    if (made === undefined) throw new Error('There is no key that this process can sign with.')
    return made
  }

  /** Undefined when no such key is accepted. @throws what the database room throws */
  async find(kid: string): Promise<VerifyingKey | undefined> {
    const known = this.known(kid)
    if (known !== undefined) return known
    if (this.#isBelieved()) await this.#askFor(kid)
    else await this.#askAnew()
    const found = this.#among(kid)
    // Nobody is told that a token is wrong as long as nobody can know.
    if (found === undefined && this.#failure !== undefined) throw this.#failure
    return found
  }

  /** The first key, and the one that follows a key that was ended, sign at once: nobody else has heard of them yet. */
  async #askFor(kid: string): Promise<void> {
    await this.#asking
    if (this.#among(kid) === undefined && performance.now() - this.#askedAt > unknownMs) await this.#ask()
  }

  /** Without waiting; undefined also where the last answer is too old. */
  known(kid: string): VerifyingKey | undefined {
    this.#lookAgain()
    return this.#isBelieved() ? this.#among(kid) : undefined
  }

  #among(kid: string): VerifyingKey | undefined {
    const found = this.#keys.find((key) => key.kid === kid)
    return found !== undefined && found.endsAt > performance.now() ? found : undefined
  }

  /** What others need to verify our tokens (RFC 7517); without keys when they are HS256. */
  async jwks(): Promise<{ readonly keys: readonly PublicJwk[] }> {
    await this.signer()
    return { keys: this.#keys.flatMap(({ row }) => publicJwk(row)) }
  }

  /** Every key that is accepted, the newest first. Makes none. */
  async list(): Promise<KeyDescription[]> {
    await this.#ask()
    const signing = this.#choose()?.kid
    const now = Date.now()
    return this.#keys.map(({ kid, algorithm, row: { ageMs, endsInMs } }) => ({
      kid,
      algorithm,
      createdAt: new Date(now - ageMs),
      signs: kid === signing,
      endsAt: endsInMs === Infinity ? undefined : new Date(now + endsInMs),
    }))
  }

  /** Makes a new key, which signs a few seconds from now. What was signed before is accepted until it expires. */
  async rotate(): Promise<void> {
    await this.#look()
    const { algorithm, tokenMs, db } = this.#options
    const { publicKey, privateKey } = newKeyMaterial(algorithm)
    // In base64url one of 64 would begin with a dash, and `plinth keys end` would take it for an option.
    const kid = randomBytes(8).toString('hex')
    const row = { kid, algorithm, publicKey, privateKey: this.#sealer.seal(privateKey, kid) }
    await this.#outside(() => replaceKey(db, row, this.#current()?.kid, tokenMs + this.#timing.handoverMs))
    await this.#ask()
  }

  /** Ends a key that somebody else may have: what it signed is refused, here at once and everywhere within a second. */
  async end(kid: string): Promise<boolean> {
    await this.#look()
    if (this.#current()?.kid === kid) await this.rotate()
    const ended = await this.#outside(() => endKey(this.#options.db, kid))
    await this.#ask()
    return ended
  }

  /** A process that has not asked yet, as a command, would take it that there is no key. */
  async #look(): Promise<void> {
    if (this.#askedAt === -Infinity) await this.#ask()
  }

  /** Nobody waits for it. */
  #lookAgain(): void {
    if (performance.now() - this.#askedAt > this.#timing.freshMs) this.#ask().catch(() => undefined)
  }

  #isBelieved(): boolean {
    return performance.now() - this.#knownAt <= this.#timing.believedMs
  }

  /** The question that is under way may be one of long ago; the one after it is not. */
  async #askAnew(): Promise<void> {
    await this.#ask()
    if (!this.#isBelieved()) await this.#ask()
  }

  #current(): KnownKey | undefined {
    return this.#keys.find(({ row }) => row.endsInMs === Infinity)
  }

  #isOld(): boolean {
    const current = this.#current()
    return current !== undefined && performance.now() - current.madeAt > this.#options.replaceAfterMs
  }

  /** The newest of those that others know by now, and that are accepted as long as their last token lives. */
  #choose(): SigningKey | undefined {
    const now = performance.now()
    const able = this.#keys.flatMap(({ kid, algorithm, sign, endsAt, madeAt }) => {
      const isAble = sign !== undefined && algorithm === this.#options.algorithm && endsAt - now > this.#options.tokenMs
      return isAble ? [{ kid, algorithm, sign, madeAt }] : []
    })
    return able.find(({ madeAt }) => now - madeAt >= this.#timing.settleMs) ?? able[0]
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#outside(() => this.#read()).finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #read(): Promise<void> {
    const askedAt = performance.now()
    this.#askedAt = askedAt
    const rows = await this.#list()
    const now = performance.now()
    this.#knownAt = askedAt
    this.#keys = rows.map((row) => this.#knownKey(row, now))
  }

  async #list(): Promise<KeyRow[]> {
    try {
      const rows = await listKeys(this.#options.db)
      this.#failure = undefined
      return rows
    } catch (error) {
      this.#failure = error
      throw error
    }
  }

  #knownKey(row: KeyRow, now: number): KnownKey {
    const { kid, algorithm, publicKey, privateKey, ageMs, endsInMs } = row
    const opened = this.#sealer.open(privateKey, kid)
    const verifying = publicKey ?? opened
    return {
      kid,
      algorithm,
      row,
      verify: verifying === undefined ? () => false : verifierOf(algorithm, verifying),
      sign: opened === undefined ? undefined : signerOf(algorithm, opened),
      madeAt: now - ageMs,
      endsAt: now + endsInMs,
    }
  }
}

function publicJwk({ kid, publicKey }: KeyRow): PublicJwk[] {
  return publicKey === undefined ? [] : [{ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid, x: publicKey.toString('base64url') }]
}
