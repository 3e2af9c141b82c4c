// Which passwords are taken: NIST SP 800-63B-4. Length, and nothing that attackers try first; no rules about kinds of characters.

import { readFileSync } from 'node:fs'
import { authErrors } from './errors.ts'

const shortest = 8
const longest = 128

/** The 3,000 commonest of at least 8 characters, in lower case (from the lists of zxcvbn, MIT). This file and what is built from it lie two folders below. */
const commonFile = new URL('../../assets/auth/common-passwords.txt', import.meta.url)
let common: ReadonlySet<string> | undefined

/** What the password must not be: what everybody knows of the account. */
export interface KnownOfAccount {
  readonly email: string
}

/** @throws AppError AUTH_WEAK_PASSWORD */
export function checkPassword(password: string, account: KnownOfAccount): void {
  const problem = passwordProblem(password, account)
  if (problem !== undefined) throw authErrors.WEAK_PASSWORD(problem).with({ field: 'password' })
}

function passwordProblem(password: string, { email }: KnownOfAccount): string | undefined {
  const plain = password.normalize('NFKC')
  const { length } = Array.from(plain)
  if (length < shortest) return `must have at least ${shortest} characters`
  if (length > longest) return `must have at most ${longest} characters`
  const small = plain.toLowerCase()
  if (new Set(small).size < 3) return 'is the same character over and over'
  common ??= new Set(readFileSync(commonFile, 'utf8').split('\n'))
  if (common.has(small)) return 'is one of those that everybody tries first'
  const [name = ''] = email.split('@')
  return small === email || small === name || small === `${name}${name}` ? 'is the address of the account' : undefined
}
