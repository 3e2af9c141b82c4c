// A process that issues and verifies access tokens, and forgers who know its public key.

import { AccessTokens } from '../../src/auth/tokens/access-tokens.ts'
import type { SigningAlgorithm } from '../../src/auth/tokens/algorithms.ts'
import type { ClaimRules } from '../../src/auth/tokens/claims.ts'
import { KeyRing, type KeyTiming } from '../../src/auth/tokens/key-ring.ts'
import type { AuthBed, AuthProcess } from './auth-bed.ts'

export const rules: ClaimRules = { issuer: 'https://api.example.com', audience: 'https://api.example.com', lifetime: 600, leeway: 30 }
export const jwtSecret = 'h3uN-the-signing-keys-of-tests-are-sealed'

export interface TokenProcess extends AuthProcess {
  readonly keys: KeyRing
  readonly tokens: AccessTokens
}

export interface TokenProcessOptions {
  readonly algorithm?: SigningAlgorithm
  readonly secret?: string
  readonly replaceAfterMs?: number
  readonly redisUrl?: string
  readonly timing?: KeyTiming
}

/** Another process of the application. */
export async function tokenProcess(bed: AuthBed, options: TokenProcessOptions = {}): Promise<TokenProcess> {
  const { algorithm = 'EdDSA', secret = jwtSecret, replaceAfterMs = 90 * 86_400_000, redisUrl, timing } = options
  const process = await bed.process(redisUrl)
  const tokenMs = (rules.lifetime + rules.leeway) * 1_000
  const keys = new KeyRing({ db: process.db, secret, algorithm, tokenMs, replaceAfterMs, ...(timing === undefined ? {} : { timing }) })
  return { ...process, keys, tokens: new AccessTokens({ keys, sessions: process.sessions, rules }) }
}

/** A session of the user, and a token for it. */
export async function signedIn({ sessions, tokens }: TokenProcess, user = 'ann'): Promise<{ token: string; session: string }> {
  const { session } = await sessions.create({ user })
  const { token } = await tokens.issue({ user, session: session.handle })
  return { token, session: session.handle }
}

/** Why a token is refused; undefined when it is accepted. What the client would be told is checked to be the one thing it may know. */
export async function refusal(tokens: AccessTokens, token: string): Promise<string | undefined> {
  try {
    await tokens.verify(token)
    return undefined
  } catch (error) {
    const { code, status, message, details, cause } = error as { [name: string]: unknown }
    const said = JSON.stringify({ code, status, message, details })
    if (said !== '{"code":"AUTH_INVALID_TOKEN","status":401,"message":"The token that was shown is not accepted.","details":[]}')
      throw new Error(`Another answer: ${said}`, { cause: error })
    return (cause as Error).message
  }
}

export type Fields = Record<string, unknown>

/** Parts of a token, to be changed and put together again. */
export function partsOf(token: string): { header: Fields; claims: Fields; signature: string } {
  const [header = '', claims = '', signature = ''] = token.split('.')
  return { header: read(header), claims: read(claims), signature }
}

export function joined(header: Fields | string, claims: Fields | string, signature: string): string {
  return `${[header, claims].map((part) => encoded(part)).join('.')}.${signature}`
}

/** Signs whatever it is given with the newest key of ours: for what is wrong in tokens that have a right signature. */
export async function signed({ keys }: TokenProcess, claims: Fields | string | Buffer, header: Fields | string = {}): Promise<string> {
  const { kid, algorithm, sign } = await keys.signer()
  const full = typeof header === 'string' ? header : { alg: algorithm, typ: 'at+jwt', kid, ...header }
  const input = `${encoded(full)}.${encoded(claims)}`
  return `${input}.${sign(input).toString('base64url')}`
}

/** Text as it is, so that it may be no proper JSON. */
function encoded(part: Fields | string | Buffer): string {
  const bytes = Buffer.isBuffer(part) ? part : Buffer.from(typeof part === 'string' ? part : JSON.stringify(part))
  return bytes.toString('base64url')
}

function read(part: string): Fields {
  return JSON.parse(Buffer.from(part, 'base64url').toString()) as Fields
}
