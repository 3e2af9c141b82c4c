// Passwords as argon2id keeps them. Hashing takes 19 MB and a core for tens of milliseconds, so it runs off the event loop, few at once, and
// whoever would wait too long is told so. decisions/0017-identity.md has what was measured.

import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { authErrors } from './errors.ts'
import { WaitingLine } from './waiting-line.ts'

const derive = promisify(argon2)

export interface PasswordCost {
  /** KiB. */
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

/** What a password was found to be. */
export interface Verdict {
  readonly matches: boolean
  /** It was hashed with another cost than is asked for now: to be hashed again while it is at hand. */
  readonly outdated: boolean
}

const saltBytes = 16
const tagBytes = 32
/** Waiting for longer helps nobody: the client has given up, and tried again. */
const longestWaitMs = 5_000
const longestLine = 200
/** One address leaves room for others: three of them filled the line, and nobody else could sign in. */
const mostOfOne = 10

export class Passwords {
  readonly #cost: PasswordCost
  /** One core stays for everything else. */
  readonly #line = new WaitingLine({
    atOnce: Math.max(1, Math.min(4, availableParallelism() - 1)),
    most: longestLine,
    mostOfOne,
    longestWaitMs,
  })
  #nobodys: Promise<string> | undefined

  constructor(cost: PasswordCost) {
    this.#cost = cost
  }

  /** @returns a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$…$…` @throws AppError AUTH_BUSY */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(saltBytes)
    const tag = await this.#derive(password, salt, this.#cost, tagBytes)
    const { memory, passes, parallelism } = this.#cost
    return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`
  }

  /**
   * Takes as long whether there is a hash or not, so that nobody learns from it who has an account.
   *
   * @param phc  what is kept of the account; undefined when there is none
   * @param who  block of the address that asks, of which few wait at once
   * @throws AppError AUTH_BUSY
   */
  async verify(password: string, phc: string | undefined, who?: string): Promise<Verdict> {
    const kept = parsePhc(phc ?? (await this.#hashOfNobody()))
    if (kept === undefined) throw new Error('A password is kept in a form that is not argon2id.')
    const tag = await this.#derive(password, kept.salt, kept.cost, kept.tag.length, who)
    const matches = timingSafeEqual(tag, kept.tag) && phc !== undefined
    return { matches, outdated: matches && !isSameCost(kept.cost, this.#cost) }
  }

  /** Made once, so that the first unknown name does not take twice as long. */
  #hashOfNobody(): Promise<string> {
    this.#nobodys ??= this.hash(randomBytes(16).toString('hex')).catch((error: unknown) => {
      this.#nobodys = undefined
      throw error
    })
    return this.#nobodys
  }

  /** To be called at the start. */
  async prepare(): Promise<void> {
    await this.#hashOfNobody()
  }

  async #derive(password: string, nonce: Buffer, cost: PasswordCost, tagLength: number, who?: string): Promise<Buffer> {
    const done = await this.#line.enter(who)
    if (done === undefined) throw authErrors.BUSY()
    try {
      return await derive('argon2id', { message: normalized(password), nonce, tagLength, ...cost })
    } finally {
      done()
    }
  }
}

/** The same letters typed on another keyboard are the same password (NIST SP 800-63B-4, 3.1.1.2). */
function normalized(password: string): string {
  return password.normalize('NFKC')
}

const phcForm = /^\$argon2id\$v=19\$m=(\d{1,9}),t=(\d{1,6}),p=(\d{1,3})\$([\w+/]{11,86})\$([\w+/]{16,86})$/

function parsePhc(phc: string): { readonly cost: PasswordCost; readonly salt: Buffer; readonly tag: Buffer } | undefined {
  const [, memory, passes, parallelism, salt, tag] = phcForm.exec(phc) ?? []
  if (salt === undefined || tag === undefined) return undefined
  const cost = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) }
  return { cost, salt: Buffer.from(salt, 'base64'), tag: Buffer.from(tag, 'base64') }
}

function isSameCost(one: PasswordCost, other: PasswordCost): boolean {
  return one.memory === other.memory && one.passes === other.passes && one.parallelism === other.parallelism
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
