// Which passwords are taken: NIST SP 800-63B-4. Length, and nothing that attackers try first; no rules about kinds of characters.

import { createRequire } from 'node:module'
import { authErrors } from './errors.ts'

const shortest = 8
const longest = 128

/** Loaded when it is needed: 30 ms, and a megabyte. */
const require = createRequire(import.meta.url)
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
  common ??= commonPasswords()
  if (common.has(small)) return 'is one of those that everybody tries first'
  const [name = ''] = email.split('@')
  return small === email || small === name || small === `${name}${name}` ? 'is the address of the account' : undefined
}

/** Those of 18,000 leaked ones that are long enough, in lower case. */
function commonPasswords(): Set<string> {
  const { dictionary } = require('@zxcvbn-ts/language-common') as typeof import('@zxcvbn-ts/language-common')
  return new Set(dictionary['passwords-common'].filter(({ length }) => length >= shortest))
}
