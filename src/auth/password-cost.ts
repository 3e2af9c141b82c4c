// What hashing a password costs, and PHC strings, in which that stands beside the hash: `$argon2id$v=19$m=19456,t=2,p=1$…$…`.

export interface PasswordCost {
  /** KiB. */
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

const phcForm = /^\$argon2id\$v=19\$m=(\d{1,9}),t=(\d{1,6}),p=(\d{1,3})\$([\w+/]{11,86})\$([\w+/]{16,86})$/

/** @param text  `m=19456,t=2,p=1`, as it stands in a PHC string */
export function parseCost(text: string): PasswordCost | undefined {
  return parsePhc(`$argon2id$v=19$${text}$${'A'.repeat(22)}$${'A'.repeat(43)}`)?.cost
}

/** Undefined for what is no PHC string of argon2id. */
export function parsePhc(phc: string): { readonly cost: PasswordCost; readonly salt: Buffer; readonly tag: Buffer } | undefined {
  const [, memory, passes, parallelism, salt, tag] = phcForm.exec(phc) ?? []
  if (salt === undefined || tag === undefined) return undefined
  const cost = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) }
  return { cost, salt: Buffer.from(salt, 'base64'), tag: Buffer.from(tag, 'base64') }
}

export function isSameCost(one: PasswordCost, other: PasswordCost): boolean {
  return one.memory === other.memory && one.passes === other.passes && one.parallelism === other.parallelism
}
