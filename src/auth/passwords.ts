// Passwords as argon2id keeps them. Hashing takes 19 MB and a core for tens of milliseconds, so it runs off the event loop, few at once, and
// whoever would wait too long is told so. decisions/0017-identity.md has what was measured.

import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { addressNetworks } from '../support/address-block.ts'
import { authErrors } from './errors.ts'
import { isSameCost, parsePhc, type PasswordCost } from './password-cost.ts'
import { StoredCosts } from './stored-costs.ts'
import { WaitingLine } from './waiting-line.ts'

const derive = promisify(argon2)

/** Who shows a password. */
export interface Asker {
  /** Without, as in a command, nobody is counted in the line. */
  readonly address?: string
  /** As it was written, known or not: decides what checking it costs where nobody has it. */
  readonly email?: string
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
/**
 * One address leaves room for others: three of them filled the line, and nobody else could sign in. So do the network of a customer (IPv6: the
 * 65,536 blocks of a /48) and that of a provider.
 */
const mostOfGroup = [10, 30, 60]

export class Passwords {
  readonly #cost: PasswordCost
  /** One core stays for everything else. */
  readonly #line = new WaitingLine({
    atOnce: Math.max(1, Math.min(4, availableParallelism() - 1)),
    most: longestLine,
    mostOfGroup,
    longestWaitMs,
  })
  readonly #costs: StoredCosts
  readonly #nobodys = { salt: randomBytes(saltBytes), tag: randomBytes(tagBytes) }

  /** @param costs  of passwords that are kept; without, all of them have the cost that is asked for now */
  constructor(cost: PasswordCost, costs = new StoredCosts(async () => [], cost, '')) {
    this.#cost = cost
    this.#costs = costs
  }

  /**
   * @param address  of the client that has it hashed: whoever signs up takes places in the line like anybody else
   * @returns        a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$…$…`
   * @throws         AppError AUTH_BUSY
   */
  async hash(password: string, { address }: Pick<Asker, 'address'> = {}): Promise<string> {
    const salt = randomBytes(saltBytes)
    const tag = await this.#derive(password, salt, this.#cost, tagBytes, address)
    const { memory, passes, parallelism } = this.#cost
    return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`
  }

  /**
   * Takes as long whether there is a hash or not, so that nobody learns from it who has an account.
   *
   * @param phc  what is kept of the account; undefined when there is none
   * @throws AppError AUTH_BUSY
   */
  async verify(password: string, phc: string | undefined, { address, email = '' }: Asker = {}): Promise<Verdict> {
    if (this.#costs.isOld) void this.prepare()
    const kept = phc === undefined ? { ...this.#nobodys, cost: this.#costs.costOf(email) } : parsePhc(phc)
    if (kept === undefined) throw new Error('A password is kept in a form that is not argon2id.')
    const tag = await this.#derive(password, kept.salt, kept.cost, kept.tag.length, address)
    const matches = timingSafeEqual(tag, kept.tag) && phc !== undefined
    return { matches, outdated: matches && !isSameCost(kept.cost, this.#cost) }
  }

  /** Finds out what passwords cost that were kept before. To be called at the start. A database that is away is asked again later. */
  async prepare(): Promise<void> {
    await this.#costs.refresh().catch(() => undefined)
  }

  async #derive(password: string, nonce: Buffer, cost: PasswordCost, tagLength: number, address?: string): Promise<Buffer> {
    const done = await this.#line.enter(address === undefined ? [] : addressNetworks(address))
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

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
