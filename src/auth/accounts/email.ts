// Addresses as they are kept and compared: in lower case, in one form of Unicode.

import { accountErrors } from '../account-errors.ts'

/** RFC 5321: 64 before the @, 255 after it, 254 together. */
const longest = 254
/** What mail servers take in practice; whether somebody reads what is sent there, only a mail can tell. */
const form = /^[^\s@"(),:;<>[\\\]]{1,64}@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.)+[\p{L}\p{N}-]{2,63}$/u

/** @throws AppError AUTH_INVALID_EMAIL */
export function normalEmail(written: string): string {
  const email = written.trim().normalize('NFKC').toLowerCase()
  if (email.length > longest || !form.test(email) || /\p{C}/u.test(email)) throw accountErrors.INVALID_EMAIL().with({ field: 'email' })
  return email
}
