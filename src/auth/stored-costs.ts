// What passwords cost to check that were kept before: after PASSWORD_* was raised, accounts whose owners have not signed in since still have
// the old cost. An address that nobody has takes one of these costs, in the shares that accounts have them and always the same one, so that
// the time of a refusal says nothing of whether there is an account.

import { createHmac } from 'node:crypto'
import type { PasswordCost } from './password-cost.ts'

export interface CostShare {
  readonly cost: PasswordCost
  /** Accounts that have it, of those that were looked at. */
  readonly accounts: number
}

/** Shares change as people sign in. */
const freshMs = 5 * 60_000
/** After a failure: not with each sign-in, of which there may be thousands while the database is away. */
const againMs = 1_000

export class StoredCosts {
  readonly #read: () => Promise<readonly CostShare[]>
  readonly #usual: PasswordCost
  readonly #secret: string
  #shares: readonly CostShare[] = []
  /** Moment of `performance.now()`. */
  #nextAt = -Infinity

  /**
   * @param usual   of passwords that are kept now; nobody has another where nothing else was read
   * @param secret  so that nobody can tell which cost an address takes that nobody has
   */
  constructor(read: () => Promise<readonly CostShare[]>, usual: PasswordCost, secret: string) {
    this.#read = read
    this.#usual = usual
    this.#secret = secret
  }

  /** @throws what reading throws; then what was known before counts on */
  async refresh(): Promise<void> {
    this.#nextAt = performance.now() + freshMs
    const shares = await this.#read().catch((error: unknown) => {
      this.#nextAt = performance.now() + againMs
      throw error
    })
    // In an order of their own, so that an address changes its cost only when the shares do.
    this.#shares = shares.toSorted((one, other) => (textOf(one.cost) < textOf(other.cost) ? -1 : 1))
  }

  /** Whether it is time to look again. */
  get isOld(): boolean {
    return performance.now() >= this.#nextAt
  }

  /** What checking a password costs for an address that nobody has. */
  costOf(email: string): PasswordCost {
    const all = this.#shares.reduce((sum, { accounts }) => sum + accounts, 0)
    const place = createHmac('sha256', this.#secret).update(`cost\n${email}`).digest().readUInt32BE() / 2 ** 32
    let sum = 0
    return this.#shares.find(({ accounts }) => (sum += accounts) > place * all)?.cost ?? this.#usual
  }
}

function textOf({ memory, passes, parallelism }: PasswordCost): string {
  return `m=${memory},t=${passes},p=${parallelism}`
}
