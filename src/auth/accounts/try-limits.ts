// How often passwords may be tried, and mails asked for. Guessing is stopped without giving anybody a way to lock out somebody else: one
// address takes at most half of the tries of an account, a device that signed in before has tries of its own, and a reset by mail needs none.

import { createHash } from 'node:crypto'
import type { RateCounter } from '../../state/rate-counter.ts'
import { addressBlock } from '../../support/address-block.ts'
import { accountErrors } from '../account-errors.ts'
import { Devices } from './devices.ts'

const quarterMs = 15 * 60_000
const hourMs = 60 * 60_000

/** Mails that anybody can ask for: each kind has its own limit, so that none of them keeps another from its owner. */
export type MailKind = 'sign_up' | 'verify' | 'reset' | 'change' | 'invitation'

/** One kind of try: so many in so long. */
interface Limit {
  readonly key: string
  readonly most: number
  readonly windowMs: number
}

export interface SignInTry {
  /** As it is kept, also when nobody has it: both are counted. */
  readonly email: string
  readonly address: string
  /** Id of a device that has signed in to the account, if it is one. */
  readonly device: string | undefined
}

export class TryLimits {
  readonly #rates: RateCounter
  readonly devices: Devices
  readonly #times: number

  /**
   * @param secret  signs what a device is known by
   * @param times   so many times as often: whoever develops an application signs in often
   */
  constructor(rates: RateCounter, secret: string, times = 1) {
    this.#rates = rates
    this.devices = new Devices(secret)
    this.#times = times
  }

  /** Counts a try to sign in. @throws AppError AUTH_TOO_MANY_TRIES with `Retry-After` */
  async signIn({ email, address, device }: SignInTry): Promise<void> {
    const block = addressBlock(address)
    const account = hashed(email)
    await this.#demand({ key: `auth:address:${block}`, most: 100, windowMs: quarterMs })
    if (device !== undefined) return this.#demand({ key: `auth:device:${account}:${device}`, most: 10, windowMs: quarterMs })
    await this.#demand({ key: `auth:account:${account}:${block}`, most: 5, windowMs: quarterMs })
    await this.#demand({ key: `auth:account:${account}`, most: 10, windowMs: quarterMs })
  }

  /** Counts a try of the current password by whoever is signed in. @throws AppError AUTH_TOO_MANY_TRIES */
  password(user: string): Promise<void> {
    return this.#demand({ key: `auth:password:${user}`, most: 10, windowMs: quarterMs })
  }

  /** Counts a try of a code by whoever has shown the password: of a million codes three are right. @throws AppError AUTH_TOO_MANY_TRIES */
  code(user: string): Promise<void> {
    return this.#demand({ key: `auth:code:${user}`, most: 10, windowMs: quarterMs })
  }

  /** Counts a beginning by an address that has something kept for a few minutes. @throws AppError AUTH_TOO_MANY_TRIES */
  begin(address: string): Promise<void> {
    return this.#demand({ key: `auth:begin:${addressBlock(address)}`, most: 100, windowMs: quarterMs })
  }

  /** Counts a link that an address opens. @throws AppError AUTH_TOO_MANY_TRIES */
  link(address: string): Promise<void> {
    return this.#demand({ key: `auth:link:${addressBlock(address)}`, most: 100, windowMs: quarterMs })
  }

  /** Whether what was refused to an address is worth another line in the audit: nobody fills it by asking again and again. */
  async mayNote(what: string, address: string): Promise<boolean> {
    const { allowed } = await this.#rates.hit(`auth:note:${what}:${addressBlock(address)}`, 5, quarterMs)
    return allowed
  }

  /** Counts a request of an address that makes mails. @throws AppError AUTH_TOO_MANY_TRIES */
  mailFrom(address: string): Promise<void> {
    return this.#demand({ key: `auth:mail-from:${addressBlock(address)}`, most: 30, windowMs: hourMs })
  }

  /** Whether another mail of this kind may go to an address. Who asks is not told, or the answer would say that there is an account. */
  async mayMail(kind: MailKind, email: string): Promise<boolean> {
    const { allowed } = await this.#rates.hit(`auth:mail-to:${kind}:${hashed(email)}`, 5, hourMs)
    return allowed
  }

  async #demand({ key, most, windowMs }: Limit): Promise<void> {
    const { allowed, resetMs } = await this.#rates.hit(key, most * this.#times, windowMs)
    if (allowed) return
    throw accountErrors.TOO_MANY_TRIES().with({ headers: { 'retry-after': String(Math.max(1, Math.ceil(resetMs / 1_000))) } })
  }
}

/** Counters are in Redis and PostgreSQL, where no addresses of people need to be. */
function hashed(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
