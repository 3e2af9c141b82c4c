// Access tokens: signed statements of who asks, good for minutes, and only while the session they belong to is there.

import { randomBytes } from 'node:crypto'
import type { Session, SessionStore } from '../../state/sessions.ts'
import { Lru } from '../../support/lru.ts'
import { type AccessClaims, checkClaims, type ClaimRules } from './claims.ts'
import { type CompactJws, encodePart, readCompact, readObject } from './jws.ts'
import type { KeyRing, VerifyingKey } from './key-ring.ts'
import { invalidToken, TokenFault } from './token-fault.ts'

const type = 'at+jwt'
/** Tokens that were verified already, about half a kilobyte each. Only what was signed by us gets in. */
const mostVerified = 10_000
/** Enough of a signature to find a token by, with less to hash than all of it; then the whole is compared. */
const tailLength = 43

export interface NewAccessToken {
  readonly user: string
  /** Handle of the session. */
  readonly session: string
  readonly scopes?: readonly string[]
}

export interface VerifiedToken {
  readonly claims: AccessClaims
  /** The same object each time that the token is shown. */
  readonly scopes: readonly string[] | undefined
  readonly session: Session
}

interface Kept {
  readonly token: string
  readonly claims: AccessClaims
  readonly scopes: readonly string[] | undefined
  readonly key: VerifyingKey
}

export interface AccessTokensOptions {
  readonly keys: KeyRing
  readonly sessions: SessionStore
  readonly rules: ClaimRules
}

export class AccessTokens {
  readonly #options: AccessTokensOptions
  readonly #verified = new Lru<Kept>(mostVerified)

  constructor(options: AccessTokensOptions) {
    this.#options = options
  }

  /** @returns the token and how many seconds it is good for @throws what the database room throws */
  async issue({ user, session, scopes }: NewAccessToken): Promise<{ readonly token: string; readonly expiresIn: number }> {
    const { keys, rules } = this.#options
    const { kid, algorithm, sign } = await keys.signer()
    const iat = Math.floor(Date.now() / 1_000)
    const claims: AccessClaims = {
      iss: rules.issuer,
      aud: rules.audience,
      sub: user,
      sid: session,
      jti: randomBytes(16).toString('base64url'),
      iat,
      nbf: iat,
      exp: iat + rules.lifetime,
      ...(scopes === undefined ? {} : { scope: scopes.join(' ') }),
    }
    const input = `${encodePart({ alg: algorithm, typ: type, kid })}.${encodePart({ ...claims })}`
    return { token: `${input}.${sign(input).toString('base64url')}`, expiresIn: rules.lifetime }
  }

  /**
   * Who is meant by a token. One that was seen before costs microseconds; it counts no longer than it would if it were verified again.
   *
   * @throws AppError `AUTH_INVALID_TOKEN`, whatever is wrong; the cause says what, for the log. And what the database room throws
   */
  async verify(token: string): Promise<VerifiedToken> {
    const { claims, scopes } = this.#seen(token) ?? (await this.#verify(token))
    const session = await this.#options.sessions.getByHandle(claims.sid)
    if (session === undefined) throw invalidToken('belongs to a session that is over')
    if (session.user !== claims.sub) throw invalidToken('belongs to the session of somebody else')
    return { claims, scopes, session }
  }

  /** The same from memory alone, for who must not wait; undefined where something has to be looked at. */
  near(token: string): VerifiedToken | undefined {
    const seen = this.#seen(token)
    const session = seen && this.#options.sessions.nearByHandle(seen.claims.sid)
    return seen === undefined || session === undefined || session.user !== seen.claims.sub
      ? undefined
      : { claims: seen.claims, scopes: seen.scopes, session }
  }

  #seen(token: string): Kept | undefined {
    const kept = this.#verified.get(tailOf(token))
    if (kept === undefined || kept.token !== token) return undefined
    const { keys, rules } = this.#options
    if (kept.claims.exp + rules.leeway > Date.now() / 1_000) return keys.known(kept.key.kid) === undefined ? undefined : kept
    this.#verified.delete(tailOf(token))
    return undefined
  }

  async #verify(token: string): Promise<Kept> {
    try {
      const jws = readCompact(token)
      const key = await this.#keyOf(jws)
      if (!key.verify(jws.input, jws.signature)) throw new TokenFault('has a wrong signature')
      const claims = checkClaims(readObject(jws.payload), this.#options.rules, Date.now() / 1_000)
      const kept = { token, claims, scopes: claims.scope?.split(' '), key }
      this.#verified.set(tailOf(token), kept)
      return kept
    } catch (error) {
      throw error instanceof TokenFault ? invalidToken(error) : error
    }
  }

  /** The header chooses among our keys and nothing else: whatever it says beyond that (jwk, jku, x5u, crit) makes it none of ours. */
  async #keyOf({ header }: CompactJws): Promise<VerifyingKey> {
    const { alg, typ, kid } = header
    if (typ !== type) throw new TokenFault('is of another type')
    if (typeof kid !== 'string' || !/^[\w-]{16}$/.test(kid)) throw new TokenFault('names no key of ours')
    if (Object.keys(header).length !== 3) throw new TokenFault('has more in its header than ours have')
    const key = await this.#options.keys.find(kid)
    if (key === undefined) throw new TokenFault('names a key that is not known')
    if (alg !== key.algorithm) throw new TokenFault('has another algorithm than its key')
    return key
  }
}

function tailOf(token: string): string {
  return token.slice(-tailLength)
}
