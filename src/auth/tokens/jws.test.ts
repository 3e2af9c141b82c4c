import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { type SigningAlgorithm, verifierOf } from './algorithms.ts'
import { readCompact } from './jws.ts'

interface Vector {
  readonly algorithm: SigningAlgorithm
  readonly key: Buffer
  readonly jws: string
}

const bytes = (text: string): Buffer => Buffer.from(text, 'base64url')

/** RFC 7515, A.1. */
const hmac: Vector = {
  algorithm: 'HS256',
  key: bytes('AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow'),
  jws: 'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
}
/** RFC 8037, A.4. */
const edwards: Vector = {
  algorithm: 'EdDSA',
  key: bytes('11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'),
  jws: 'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
}
const vectors = [
  ['HS256', hmac],
  ['EdDSA', edwards],
] as const

function accepts({ algorithm, key }: Vector, jws: string): boolean {
  try {
    const { header, input, signature } = readCompact(jws)
    return header['alg'] === algorithm && verifierOf(algorithm, key)(input, signature)
  } catch {
    return false
  }
}

test.each(vectors)('the example of the standard for %s is accepted', (_, vector) => {
  expect(accepts(vector, vector.jws)).toBe(true)
})

test.each(vectors)('with any bit of it turned %s is refused', (_, vector) => {
  const parts = vector.jws.split('.').map(bytes)
  for (const [index, part] of parts.entries())
    for (let bit = 0; bit < part.length * 8; bit += 1) {
      const turned = Buffer.from(part)
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const text = parts.map((other, at) => (at === index ? turned : other).toString('base64url')).join('.')
      expect(accepts(vector, text), `bit ${bit} of part ${index}`).toBe(false)
    }
})

test.each(vectors)('with any other character in, or missing from, its text %s is refused', (_, vector) => {
  const { jws } = vector
  for (let at = 0; at <= jws.length; at += 1) {
    expect(accepts(vector, jws.slice(0, at) + jws.slice(at + 1)), `without ${at}`).toBe(at === jws.length)
    for (const other of ' \t\n\r\0=.,?*%+/-_A~é')
      expect(accepts(vector, jws.slice(0, at) + other + jws.slice(at)), `${JSON.stringify(other)} at ${at}`).toBe(false)
  }
})

test.each(vectors)('without a signature, with a shorter or a longer one, and with the parts of another %s is refused', (_, vector) => {
  const [header = '', payload = '', signature = ''] = vector.jws.split('.')
  const whole = bytes(signature)
  for (let length = 0; length < whole.length; length += 1)
    expect(accepts(vector, `${header}.${payload}.${whole.subarray(0, length).toString('base64url')}`)).toBe(false)
  for (const more of [Buffer.alloc(1), Buffer.alloc(32), whole])
    expect(accepts(vector, `${header}.${payload}.${Buffer.concat([whole, more]).toString('base64url')}`)).toBe(false)
  for (const text of [
    `${header}.${payload}`,
    `.${payload}.${signature}`,
    `${header}..${signature}`,
    `${payload}.${header}.${signature}`,
    '..',
    '',
  ])
    expect(accepts(vector, text)).toBe(false)
  for (const [, { jws }] of vectors) {
    const [otherHeader = '', otherPayload = '', otherSignature = ''] = jws.split('.')
    for (const text of [
      `${otherHeader}.${payload}.${signature}`,
      `${header}.${otherPayload}.${signature}`,
      `${header}.${payload}.${otherSignature}`,
    ])
      expect(accepts(vector, text)).toBe(text === vector.jws)
  }
})

test('an HMAC made with the public key, in any of its forms, is no signature of it', () => {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: edwards.key.toString('base64url') }
  const [, payload = ''] = edwards.jws.split('.')
  for (const alg of ['HS256', 'EdDSA'])
    for (const secret of [edwards.key, jwk.x, edwards.key.toString('hex'), edwards.key.toString('base64'), JSON.stringify(jwk), '']) {
      const input = `${Buffer.from(JSON.stringify({ alg })).toString('base64url')}.${payload}`
      const signature = createHmac('sha256', secret).update(input).digest('base64url')
      expect(accepts(edwards, `${input}.${signature}`)).toBe(false)
    }
})

const reversed = (of: Buffer): Buffer => Buffer.from(Array.from(of).toReversed())

test('Ed25519 signatures have one form: a scalar of the group or more is refused', () => {
  const [header, payload, signature = ''] = edwards.jws.split('.')
  const order = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n
  const whole = bytes(signature)
  const scalar = BigInt(`0x${reversed(whole.subarray(32)).toString('hex')}`)
  const malleable = reversed(Buffer.from((scalar + order).toString(16).padStart(64, '0'), 'hex'))
  const text = Buffer.concat([whole.subarray(0, 32), malleable]).toString('base64url')
  expect(accepts(edwards, `${header}.${payload}.${text}`)).toBe(false)
})
