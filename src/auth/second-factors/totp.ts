// Codes of six digits, another each half minute (RFC 6238): which half minute one is of. The library is loaded when somebody uses it.

import { randomBytes } from 'node:crypto'

/** What all applications on telephones understand. */
const shape = { algorithm: 'SHA1', digits: 6, period: 30 }
/** Clocks may be half a minute apart, in either direction. */
const window = 1

export interface TotpNames {
  /** Of the application. */
  readonly issuer: string
  /** Of the account: its e-mail address. */
  readonly label: string
}

/** 160 bits, as RFC 4226 wants them. */
export function newTotpSecret(): Buffer {
  return randomBytes(20)
}

/** For people to type, and for a QR code. */
export async function describeTotp(secret: Buffer, names: TotpNames): Promise<{ readonly secret: string; readonly uri: string }> {
  const { Secret, TOTP } = await import('otpauth')
  const totp = new TOTP({ ...names, ...shape, secret: Secret.fromHex(secret.toString('hex')) })
  return { secret: totp.secret.base32, uri: totp.toString() }
}

/** Number of the half minute since 1970 whose code this is, now or next to it; undefined when it is of none. */
export async function stepOf(code: string, secret: Buffer): Promise<number | undefined> {
  if (!/^\d{6}$/.test(code)) return undefined
  const { Secret, TOTP } = await import('otpauth')
  const timestamp = Date.now()
  const delta = TOTP.validate({ ...shape, token: code, secret: Secret.fromHex(secret.toString('hex')), timestamp, window })
  return delta === null ? undefined : TOTP.counter({ period: shape.period, timestamp }) + delta
}
