// Secrets that must be read again (signing keys, TOTP): encrypted before they go to PostgreSQL, so that its backups and readers give nobody any.

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/** Tells this form from later ones. */
const form = 1
const nonceBytes = 12
const tagBytes = 16

/** AES-256-GCM. What is sealed for one place opens at no other, so that nobody can swap two rows. */
export interface Sealer {
  /** @param place  where it is kept: `signing key 3fa…` */
  seal(plain: Buffer, place: string): Buffer
  /** Undefined when it was sealed with another secret, for another place, or was changed. */
  open(sealed: Buffer, place: string): Buffer | undefined
}

/**
 * @param secret   SECRET_KEY or JWT_SECRET_KEY
 * @param purpose  gives each use a key of its own, which says nothing of the others
 */
export function createSealer(secret: string, purpose: string): Sealer {
  const key = derivedKey(secret, purpose)
  return {
    seal(plain, place) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(place))
      const hidden = Buffer.concat([cipher.update(plain), cipher.final()])
      return Buffer.concat([Buffer.of(form), nonce, cipher.getAuthTag(), hidden])
    },
    open: (sealed, place) => openWith(key, sealed, place),
  }
}

/** 256 bits for one use of a secret. */
export function derivedKey(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'plinth', purpose, 32))
}

function openWith(key: Buffer, sealed: Buffer, place: string): Buffer | undefined {
  const start = 1 + nonceBytes + tagBytes
  if (sealed[0] !== form || sealed.length < start) return undefined
  const nonce = sealed.subarray(1, 1 + nonceBytes)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes }).setAAD(Buffer.from(place))
  decipher.setAuthTag(sealed.subarray(1 + nonceBytes, start))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(start)), decipher.final()])
  } catch {
    return undefined
  }
}
