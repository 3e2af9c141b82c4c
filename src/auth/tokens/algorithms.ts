// What signs: Ed25519 or HMAC-SHA-256. A key has one algorithm for life; what a token says of its algorithm chooses nothing.

import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto'

/** As RFC 8037 and RFC 7518 name them. */
export type SigningAlgorithm = 'EdDSA' | 'HS256'

export interface KeyMaterial {
  /** 32 bytes that others may know; undefined for HS256, where who verifies can sign. */
  readonly publicKey: Buffer | undefined
  /** PKCS#8 or the HMAC secret. */
  readonly privateKey: Buffer
}

export type Signer = (input: string) => Buffer
export type Verifier = (input: string, signature: Buffer) => boolean

export function newKeyMaterial(algorithm: SigningAlgorithm): KeyMaterial {
  if (algorithm === 'HS256') return { publicKey: undefined, privateKey: randomBytes(32) }
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return { publicKey: rawPublicKey(publicKey), privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }) }
}

export function signerOf(algorithm: SigningAlgorithm, privateKey: Buffer): Signer {
  if (algorithm === 'HS256') return (input) => createHmac('sha256', privateKey).update(input).digest()
  const key = createPrivateKey({ key: privateKey, format: 'der', type: 'pkcs8' })
  return (input) => sign(null, Buffer.from(input), key)
}

/** @param key  raw public key of EdDSA, secret of HS256 */
export function verifierOf(algorithm: SigningAlgorithm, key: Buffer): Verifier {
  if (algorithm === 'HS256') return (input, signature) => isSame(createHmac('sha256', key).update(input).digest(), signature)
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key.toString('base64url') }, format: 'jwk' })
  return (input, signature) => verify(null, Buffer.from(input), publicKey, signature)
}

function isSame(own: Buffer, given: Buffer): boolean {
  return own.length === given.length && timingSafeEqual(own, given)
}

function rawPublicKey(key: KeyObject): Buffer {
  return Buffer.from(String(key.export({ format: 'jwk' }).x), 'base64url')
}
