// Guarantee S1, and RFC 8725 item by item. Beside what is refused stands what is accepted.

import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AuthBed, authBed } from '../../../test/support/auth-bed.ts'
import {
  type Fields,
  joined,
  partsOf,
  refusal,
  rules,
  signed,
  signedIn,
  tokenProcess,
  type TokenProcess,
} from '../../../test/support/auth-tokens.ts'

let bed: AuthBed
let app: TokenProcess
let token = ''
let claims: Fields = {}
let header: Fields = {}
let signature = ''
const now = Math.floor(Date.now() / 1_000)

beforeAll(async () => {
  bed = await authBed()
  app = await tokenProcess(bed)
  token = (await signedIn(app)).token
  ;({ claims, header, signature } = partsOf(token))
})
afterAll(() => bed.close())

const why = (text: string): Promise<string | undefined> => refusal(app.tokens, text)
/** The claims of a good token, changed, with a right signature; without a name when it is undefined. */
const whyClaims = async (changes: Fields): Promise<string | undefined> => why(await signed(app, { ...claims, ...changes }))
const whyHeader = async (changes: Fields): Promise<string | undefined> => why(await signed(app, claims, changes))

/** A signature of somebody else's key over a header that is made for it. */
function forged(fields: Fields, key: KeyObject, of: Fields = claims): string {
  const input = joined({ ...header, ...fields }, of, '').slice(0, -1)
  return `${input}.${sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', Buffer.from(input), key).toString('base64url')}`
}

/** HMAC with a secret that an attacker knows. */
function hashed(fields: Fields, secret: Buffer | string): string {
  const input = joined({ ...header, ...fields }, claims, '').slice(0, -1)
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

test('a token of ours is accepted and says who asks, for ten minutes at most', async () => {
  const { claims: read, session } = await app.tokens.verify(token)
  expect(read).toEqual({
    iss: rules.issuer,
    aud: rules.audience,
    sub: 'ann',
    sid: session.handle,
    jti: expect.stringMatching(/^[\w-]{22}$/),
    iat: expect.any(Number),
    nbf: read.iat,
    exp: read.iat + 600,
  })
  expect(header).toEqual({ alg: 'EdDSA', typ: 'at+jwt', kid: expect.stringMatching(/^[\w-]{16}$/) })
  expect(session.user).toBe('ann')
  expect(await why(await signed(app, claims))).toBeUndefined()
  const { token: narrow } = await app.tokens.issue({ user: 'ann', session: session.handle, scopes: ['notes:read', 'notes:write'] })
  expect((await app.tokens.verify(narrow)).claims.scope).toBe('notes:read notes:write')
})

describe('RFC 8725', () => {
  test.each([
    'none',
    'None',
    'NONE',
    'nOnE',
    '',
    'HS256',
    'HS512',
    'RS256',
    'ES256',
    'EdDSA ',
    'eddsa',
    'Ed25519',
    null,
    1,
    ['EdDSA'],
    undefined,
  ])('3.1: the algorithm is the one of the key, and %j is not, with or without its signature', async (alg) => {
    const fields = { ...header, alg }
    const expected = expect.stringMatching(/another algorithm than its key|more in its header|three parts/)
    expect(await why(joined(fields, claims, ''))).toEqual(expected)
    expect(await why(joined(fields, claims, signature))).toEqual(expected)
    expect(await whyHeader({ alg })).toEqual(expected)
  })

  test('3.1: a public key is no secret: HMAC with it in any of its forms is refused', async () => {
    const [jwk] = (await app.keys.jwks()).keys
    const raw = Buffer.from(jwk?.x ?? '', 'base64url')
    for (const secret of [raw, raw.toString('hex'), jwk?.x ?? '', JSON.stringify(jwk), ''])
      for (const alg of ['HS256', 'EdDSA']) expect(await why(hashed({ alg }, secret))).toMatch(/another algorithm|wrong signature/)
  })

  test('3.2 and 3.3: a signature of another key, whatever its kind, is refused', async () => {
    const keys = [generateKeyPairSync('ed25519'), generateKeyPairSync('ec', { namedCurve: 'P-256' })]
    for (const { privateKey } of keys) expect(await why(forged({}, privateKey))).toBe('has a wrong signature')
  })

  test('3.4: parts of one good token do not fit another', async () => {
    const other = partsOf((await signedIn(app, 'bob')).token)
    expect(await why(joined(header, other.claims, signature))).toBe('has a wrong signature')
    expect(await why(joined(header, claims, other.signature))).toBe('has a wrong signature')
  })

  test('3.5: an HMAC secret has 256 random bits, and no word of ours is one', async () => {
    const hmac = await tokenProcess(await authBedOnce(), { algorithm: 'HS256' })
    const { token: good } = await signedIn(hmac)
    expect(await refusal(hmac.tokens, good)).toBeUndefined()
    header = { ...partsOf(good).header }
    for (const secret of ['', 'secret', '0', 'null', Buffer.alloc(32), header['kid'] as string])
      expect(await refusal(hmac.tokens, hashed({}, secret))).toBe('has a wrong signature')
    header = partsOf(token).header
    expect((await hmac.keys.jwks()).keys).toEqual([])
  })

  test('3.6: nothing is compressed or encrypted', async () => {
    expect(await whyHeader({ zip: 'DEF' })).toBe('has more in its header than ours have')
    expect(await why(`${token}.${signature}.${signature}`)).toBe('is not three parts in base64url')
  })

  test.each([
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['a byte order mark', '\u{feff}{}'],
    ['a list', '[]'],
    ['a text', '"at+jwt"'],
    ['nothing', 'null'],
    ['two objects', '{}{}'],
    ['a comment', '{/**/}'],
  ])('3.7: claims are JSON in UTF-8, an object: not %s', async (_, text) => {
    expect(await why(await signed(app, text))).toMatch(/JSON/)
  })

  test.each([
    ['an iss of somebody else', { iss: 'https://evil.example.com' }],
    ['an iss with a slash at its end', { iss: `${rules.issuer}/` }],
    ['an iss in other letters', { iss: rules.issuer.toUpperCase() }],
    ['no iss', { iss: undefined }],
    ['a list as iss', { iss: [rules.issuer] }],
    ['a sub that is a number', { sub: 1 }],
    ['an empty sub', { sub: '' }],
    ['no sub', { sub: undefined }],
    ['no sid', { sid: undefined }],
    ['no jti', { jti: undefined }],
  ])('3.8: %s is refused', async (_, changes) => {
    expect(await whyClaims(changes)).toMatch(/issuer|has no/)
  })

  test.each([
    ['for others', 'https://other.example.com'],
    ['for us and others', [rules.audience, 'https://other.example.com']],
    ['in a list', [rules.audience]],
    ['for nobody', undefined],
    ['for everybody', '*'],
  ])('3.9: an audience %s is refused', async (_, aud) => {
    expect(await whyClaims({ aud })).toBe('is for another audience')
  })

  test.each([
    '../../../../dev/null',
    '/proc/self/environ',
    "x' UNION SELECT 'YQ",
    "' OR 1=1 --",
    'https://evil.example.com/key',
    '$(id)',
    '',
    'AAAAAAAAAAAAAAAA',
    '\0',
    null,
    7,
    { kid: 'x' },
    '__proto__',
    'x'.repeat(65),
  ])('3.10: the kid %j leads to no key', async (kid) => {
    expect(await whyHeader({ kid })).toMatch(/^names (?:no key of ours|a key that is not known)$|has a NUL/)
    expect(await why(hashed({ alg: 'HS256', kid }, ''))).toMatch(/^names (?:no key of ours|a key that is not known)$|has a NUL/)
  })

  test.each(['jwk', 'jku', 'x5u', 'x5c', 'x5t', 'b64', 'cty'])('3.10: a key of the attacker in %s is not looked at', async (name) => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const value = name === 'jwk' ? publicKey.export({ format: 'jwk' }) : 'https://evil.example.com/jwks.json'
    expect(await why(forged({ [name]: value }, privateKey))).toBe('has more in its header than ours have')
    expect(await whyHeader({ [name]: value })).toBe('has more in its header than ours have')
  })

  test('3.10: what is critical is not understood, so it is refused', async () => {
    for (const crit of [['exp'], [], ['b64'], 'exp', null]) expect(await whyHeader({ crit })).toBe('has more in its header than ours have')
  })

  test.each(['JWT', 'AT+JWT', 'application/at+jwt', 'rt+jwt', 'at+jwt ', 'id', '', null, undefined])(
    '3.11: %j is no type of an access token',
    async (typ) => {
      expect(await whyHeader({ typ })).toBe('is of another type')
    },
  )

  test('3.12: what is signed for another use of the same key is refused', async () => {
    expect(await why(await signed(app, { ...claims, nonce: 'x', email: 'ann@example.com' }, { typ: 'JWT' }))).toBe('is of another type')
    expect(await whyClaims({ refresh: true })).toBe('has a claim that is not ours: refresh')
  })
})

test.each([
  ['expired', { iat: now - 700, nbf: now - 700, exp: now - 100 }, 'has expired'],
  ['without an end', { exp: undefined }, 'has no exp'],
  ['with an end in words', { exp: String(now + 60) }, 'has no exp'],
  ['with an end between seconds', { exp: now + 60.5 }, 'has no exp'],
  ['with an endless end', { exp: 1e400 }, 'has no exp'],
  ['with an end that is too large to be exact', { exp: 2 ** 60 }, 'has no exp'],
  ['not valid yet', { nbf: now + 120 }, 'is not valid yet'],
  ['of the future', { iat: now + 120, exp: now + 180 }, 'was issued in the future'],
  ['for a day', { iat: now, exp: now + 86_400 }, 'lives too long'],
  ['without a beginning', { iat: undefined }, 'has no iat'],
  ['without nbf', { nbf: undefined }, 'has no nbf'],
  ['with a scope that is a list', { scope: ['*'] }, 'has a scope that is no text'],
])('a token %s is refused', async (_, changes, reason) => {
  expect(await whyClaims(changes)).toBe(reason)
})

test('clocks may be half a minute apart', async () => {
  expect(await whyClaims({ iat: now + 20, nbf: now + 20, exp: now + 600 })).toBeUndefined()
  expect(await whyClaims({ iat: now - 500, nbf: now - 500, exp: now - 5 })).toBeUndefined()
})

test('a token that was cut off anywhere, or has anything before or behind it, is refused', async () => {
  for (let length = 0; length < token.length; length += 1) expect(await why(token.slice(0, length))).toBeTypeOf('string')
  for (const text of [' ', '\n', '=', '.', 'A', '\0']) {
    expect(await why(token + text)).toBeTypeOf('string')
    expect(await why(text + token)).toBeTypeOf('string')
  }
  expect(await why(token)).toBeUndefined()
})

test('other spellings of the same bytes are refused: one token has one text', async () => {
  const last = token.at(-1) ?? ''
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const same = Array.from(alphabet).filter((letter) => letter !== last && decodes(token.slice(0, -1) + letter, token))
  expect(same.length).toBeGreaterThan(0)
  for (const letter of same) expect(await why(token.slice(0, -1) + letter)).toBe('is not canonical base64url')
  for (const text of [
    `${token}==`,
    token.replaceAll('-', '+').replaceAll('_', '/'),
    token.replace('.', '.\n'),
    encodeURIComponent(`${token} `),
  ])
    if (text !== token) expect(await why(text)).toBe('is not three parts in base64url')
})

function decodes(one: string, other: string): boolean {
  const bytes = (text: string): Buffer => Buffer.from(text.split('.')[2] ?? '', 'base64url')
  return bytes(one).equals(bytes(other))
}

test('a member twice, in the header or the claims, is refused', async () => {
  const text = JSON.stringify(claims)
  expect(await why(await signed(app, text))).toBeUndefined()
  for (const twice of [`{"sub":"root",${text.slice(1)}`, `${text.slice(0, -1)},"sub":"root"}`, `{"\\u0073ub":"root",${text.slice(1)}`])
    expect(await why(await signed(app, twice))).toMatch(/JSON/)
  const head = JSON.stringify(header)
  expect(await why(await signed(app, claims, head))).toBeUndefined()
  for (const twice of [`{"alg":"none",${head.slice(1)}`, `${head.slice(0, -1)},"alg":"none"}`])
    expect(await why(await signed(app, claims, twice))).toMatch(/JSON/)
})

test('two signatures, as JSON writes them, are no token', async () => {
  const [protectedHeader = '', payload = ''] = token.split('.')
  const one = { protected: protectedHeader, signature }
  for (const json of [
    { payload, signatures: [one, one] },
    { payload, ...one },
  ]) {
    const text = JSON.stringify(json)
    expect(await why(text)).toBe('is not three parts in base64url')
    expect(await why(Buffer.from(text).toString('base64url'))).toBe('is not three parts in base64url')
  }
})

test('a token of a megabyte is refused before anything of it is read', async () => {
  const started = process.cpuUsage()
  const large = await signed(app, { ...claims, scope: 'x'.repeat(1_000_000) })
  const made = process.cpuUsage(started).user
  const before = process.cpuUsage()
  for (let time = 0; time < 20; time += 1) expect(await why(large)).toBe('is too long')
  expect(process.cpuUsage(before).user).toBeLessThan(made * 20)
  expect(await whyClaims({ scope: 'x'.repeat(5_000) })).toBeUndefined()
})

test('a refresh token, a session id and what is no token at all are refused', async () => {
  const { id } = await app.sessions.create({ user: 'ann' })
  for (const text of [id, '', '..', 'undefined', 'Bearer', token.replaceAll('.', ' ')]) expect(await why(text)).toBeTypeOf('string')
})

test('no token that was changed in any way is accepted', async () => {
  const edit = fc.record({
    at: fc.nat(token.length),
    remove: fc.nat(3),
    insert: fc.string({ unit: fc.constantFrom(...Array.from('aZ09-_.=+/{"\0é')), maxLength: 3 }),
  })
  const outcome = fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
    const changed = edits.reduce((text, { at, remove, insert }) => text.slice(0, at) + insert + text.slice(at + remove), token)
    expect((await why(changed)) === undefined).toBe(changed === token)
  })
  await fc.assert(outcome, { numRuns: 2_000 })
})

test('whatever claims and headers a forger signs with a key of his own, none is accepted', async () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  const wishes = fc.record(
    {
      alg: fc.constantFrom('EdDSA', 'none', 'HS256'),
      kid: fc.constantFrom(header['kid'], 'x'),
      jwk: fc.jsonValue(),
      typ: fc.constantFrom('at+jwt', 'JWT'),
    },
    { requiredKeys: [] },
  )
  const outcome = fc.asyncProperty(wishes, fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3 }), async (fields, more) => {
    expect(await why(forged(fields, privateKey, { ...claims, ...more }))).toBeTypeOf('string')
  })
  await fc.assert(outcome, { numRuns: 300 })
})

let second: AuthBed | undefined
async function authBedOnce(): Promise<AuthBed> {
  second ??= await authBed()
  return second
}
afterAll(() => second?.close())
