// What an access token says (RFC 9068), and when it counts.

import { TokenFault } from './token-fault.ts'

/** Times are seconds since 1970. */
export interface AccessClaims {
  readonly iss: string
  readonly aud: string
  /** Primary key of the user, as text. */
  readonly sub: string
  /** Handle of the session: with it the token ends. */
  readonly sid: string
  /** Names this token, in logs. */
  readonly jti: string
  readonly iat: number
  readonly nbf: number
  readonly exp: number
  /** Names, separated by spaces; absent: everything the user may do. */
  readonly scope?: string
}

export interface ClaimRules {
  readonly issuer: string
  readonly audience: string
  /** Longest from `iat` to `exp`, in seconds. */
  readonly lifetime: number
  /** How far the clocks of two of our machines may be apart, in seconds. */
  readonly leeway: number
}

const names = new Set(['iss', 'aud', 'sub', 'sid', 'jti', 'iat', 'nbf', 'exp', 'scope'])

/** @param now  seconds since 1970 @throws TokenFault */
export function checkClaims(claims: Readonly<Record<string, unknown>>, rules: ClaimRules, now: number): AccessClaims {
  const { iss, aud, scope } = claims
  for (const name of Object.keys(claims)) if (!names.has(name)) throw new TokenFault(`has a claim that is not ours: ${name}`)
  for (const name of ['sub', 'sid', 'jti']) demandText(claims, name)
  for (const name of ['iat', 'nbf', 'exp']) demandTime(claims, name)
  if (iss !== rules.issuer) throw new TokenFault('is of another issuer')
  if (aud !== rules.audience) throw new TokenFault('is for another audience')
  if (scope !== undefined && typeof scope !== 'string') throw new TokenFault('has a scope that is no text')
  const known = claims as unknown as AccessClaims
  checkTimes(known, rules, now)
  return known
}

function demandText(claims: Readonly<Record<string, unknown>>, name: string): void {
  const value = claims[name]
  if (typeof value !== 'string' || value === '') throw new TokenFault(`has no ${name}`)
}

function demandTime(claims: Readonly<Record<string, unknown>>, name: string): void {
  if (!Number.isSafeInteger(claims[name])) throw new TokenFault(`has no ${name}`)
}

function checkTimes({ iat, nbf, exp }: AccessClaims, { lifetime, leeway }: ClaimRules, now: number): void {
  if (exp + leeway <= now) throw new TokenFault('has expired')
  if (nbf - leeway > now) throw new TokenFault('is not valid yet')
  if (iat - leeway > now) throw new TokenFault('was issued in the future')
  if (exp - iat > lifetime) throw new TokenFault('lives too long')
}
