// How often passwords may be tried, and mails asked for. Guessing is stopped without giving anybody a way to lock out somebody else: one
// address takes at most half of the tries of an account, a device that signed in before has tries of its own, and a reset by mail needs none.
// Who goes on waits for longer and longer: windows of a quarter of an hour, an hour and a day lie in each other. Not so for an account as a
// whole, which everybody can try.

import { createHash } from 'node:crypto'
import type { RateCounter, RateResult, RateWindow } from '../../state/rate-counter.ts'
import { addressNetworks } from '../../support/address-block.ts'
import { accountErrors } from '../account-errors.ts'
import { Devices } from './devices.ts'

const quarterMs = 15 * 60_000
const hourMs = 60 * 60_000
const dayMs = 24 * hourMs

type Windows = readonly RateWindow[]

const quarter = (limit: number): Windows => [{ limit, windowMs: quarterMs }]
/** Of what others may try as well: one address at an account, one session of a user. */
const ofOne: Windows = quarter(5)
/** Around that. Of passwords for what was looked at alone, so that nobody is out for a day who was told each time to come again. */
const ofOneForLonger: Windows = [
  { limit: 10, windowMs: hourMs },
  { limit: 20, windowMs: dayMs },
]
const ofOneInAll: Windows = [...ofOne, ...ofOneForLonger]
const ofAccount = quarter(10)
/** Of what is tried by a user who has shown something already: few know enough to keep another from it for a day. */
const ofUser: Windows = [...ofAccount, { limit: 20, windowMs: hourMs }, { limit: 50, windowMs: dayMs }]
/** A mailbox replaces passwords: however often it does, it tries no more codes than that. */
const codesOfUser: Windows = [{ limit: 100, windowMs: dayMs }]
const ofAddress: Windows = [...quarter(100), { limit: 300, windowMs: hourMs }, { limit: 1_000, windowMs: dayMs }]
const mailsOfAddress: Windows = [
  { limit: 30, windowMs: hourMs },
  { limit: 100, windowMs: dayMs },
]
/** Of what one of its 65,536 blocks has, a customer with IPv6 has so many times. */
const timesOfCustomer = 10

/** Mails that anybody can ask for: each kind has its own limit, so that none of them keeps another from its owner. */
export type MailKind = 'sign_up' | 'verify' | 'reset' | 'change' | 'invitation'

/** What begins without a password. One that is used up, whoever did it, leaves the others. */
export type WayIn = 'passkey' | 'provider' | 'code' | 'failure'

/** Who tries a code. */
export interface CodeTry {
  /** Handle of the session that asks. Without one it is a sign-in. */
  readonly session?: string | undefined
  /** Of the user who signs in: whoever has a new password tries anew, though others have tried with the old one. */
  readonly generation?: string
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

  /** Counts a try to sign in; `lookedAt` is owed when it is let in. @throws AppError AUTH_TOO_MANY_TRIES with `Retry-After` */
  async signIn({ email, address, device }: SignInTry): Promise<void> {
    const account = accountKey(email)
    const one = `${account}:${customerOf(address)}`
    // Whatever others try, at the same address, too.
    if (device !== undefined) return this.#demand(`auth:device:${hashed(email)}:${device}`, quarter(10))
    await this.#demandRoom(account, ofAccount)
    await this.#demandRoom(one, ofOneForLonger)
    await this.#demandOf('address', address, ofAddress)
    await this.#demand(one, ofOne)
    await this.#demand(account, ofAccount)
  }

  /** Counts that the password of a try was looked at, right or wrong. A few that come at once may go beyond the limit of an hour by that. */
  async lookedAt({ email, address, device }: SignInTry): Promise<void> {
    if (device !== undefined) return
    await this.#rates.hitAll(`${accountKey(email)}:${customerOf(address)}`, timesAsMany(ofOneForLonger, this.#times))
  }

  /**
   * Counts a try of the current password by whoever is signed in.
   *
   * @param session  handle of the one that asks: one that was stolen leaves tries for the others
   * @throws         AppError AUTH_TOO_MANY_TRIES
   */
  password(user: string, session: string): Promise<void> {
    return this.#demandOfSession(`auth:password:${user}`, session)
  }

  /** Counts a try of a code by whoever has shown the password: of a million codes three are right. @throws AppError AUTH_TOO_MANY_TRIES */
  async code(user: string, { session, generation = '' }: CodeTry = {}): Promise<void> {
    if (session !== undefined) return this.#demandOfSession(`auth:session-code:${user}`, session)
    await this.#demandRoom(`auth:code:${user}`, codesOfUser)
    await this.#demand(`auth:code:${user}:${generation}`, ofUser)
    await this.#demand(`auth:code:${user}`, codesOfUser)
  }

  /** Counts a beginning by an address that has something kept for a few minutes, or looked up. @throws AppError AUTH_TOO_MANY_TRIES */
  begin(way: WayIn, address: string): Promise<void> {
    return this.#demandOf(`begin-${way}`, address, quarter(100))
  }

  /** Counts a link that an address opens. @throws AppError AUTH_TOO_MANY_TRIES */
  link(address: string): Promise<void> {
    return this.#demandOf('link', address, quarter(100))
  }

  /** Whether what was refused to an address is worth another line in the audit: nobody fills it by asking again and again. */
  async mayNote(what: string, address: string): Promise<boolean> {
    for (const { key, windows } of networksOf(`note:${what}`, address, quarter(5)))
      if (refusalOf(await this.#rates.hitAll(key, windows)) > 0) return false
    return true
  }

  /** Counts a request of an address that makes mails. @throws AppError AUTH_TOO_MANY_TRIES */
  mailFrom(address: string): Promise<void> {
    return this.#demandOf('mail-from', address, mailsOfAddress)
  }

  /** Counts an invitation that a request sends, apart from mails that anybody can ask for. @throws AppError AUTH_TOO_MANY_TRIES */
  async invitation(by: string | undefined, address: string): Promise<void> {
    await this.#demandOf('invite-from', address, mailsOfAddress)
    if (by !== undefined) await this.#demand(`auth:invite-by:${by}`, mailsOfAddress)
  }

  /** Counts a request of an address for a reset, and whether there is such an account or not. @throws AppError AUTH_TOO_MANY_TRIES */
  async reset(email: string, address: string): Promise<void> {
    await this.mailFrom(address)
    await this.#demand(`auth:reset:${hashed(email)}:${customerOf(address)}`, ofOneInAll)
  }

  /** Whether another mail of this kind may go to an address. Who asks is not told, or the answer would say that there is an account. */
  async mayMail(kind: MailKind, email: string): Promise<boolean> {
    const { allowed } = await this.#rates.hit(`auth:mail-to:${kind}:${hashed(email)}`, 5, hourMs)
    return allowed
  }

  async #demandOfSession(ofAll: string, session: string): Promise<void> {
    await this.#demandRoom(ofAll, ofUser)
    await this.#demand(`${ofAll}:${session}`, ofOneInAll)
    await this.#demand(ofAll, ofUser)
  }

  async #demandOf(what: string, address: string, windows: Windows): Promise<void> {
    for (const network of networksOf(what, address, windows)) await this.#demand(network.key, network.windows)
  }

  async #demand(key: string, windows: Windows): Promise<void> {
    refuse(await this.#rates.hitAll(key, timesAsMany(windows, this.#times)))
  }

  /**
   * Refuses before anything is counted. A try that others leave no room for would use up what one has of one's own: the owner, who tries again
   * and again while somebody attacks, would wait for a day when that is over. A few that come at once get past this, and are counted.
   */
  async #demandRoom(key: string, windows: Windows): Promise<void> {
    refuse(await this.#rates.peekAll(key, timesAsMany(windows, this.#times)))
  }
}

function refuse(results: readonly (RateResult | undefined)[]): void {
  const resetMs = refusalOf(results)
  if (resetMs > 0) throw accountErrors.TOO_MANY_TRIES().with({ headers: { 'retry-after': String(Math.ceil(resetMs / 1_000)) } })
}

/** An IPv4 address, and with IPv6 all that a customer has: by his blocks, one customer had all tries of an account. */
function customerOf(address: string): string {
  const [block, customer] = addressNetworks(address)
  return customer.endsWith('::/48') ? customer : block
}

/** What is counted of an address: its block, and for IPv6 the network of the customer, who has 65,536 blocks to choose from. */
function networksOf(what: string, address: string, windows: Windows): { readonly key: string; readonly windows: Windows }[] {
  const [block] = addressNetworks(address)
  const customer = customerOf(address)
  const own = { key: `auth:${what}:${block}`, windows }
  return customer === block ? [own] : [own, { key: `auth:${what}:${customer}`, windows: timesAsMany(windows, timesOfCustomer) }]
}

function timesAsMany(windows: Windows, times: number): Windows {
  return windows.map(({ limit, windowMs }) => ({ limit: limit * times, windowMs }))
}

/** Milliseconds until none of the windows that are known to be full is; 0 where none refused. */
function refusalOf(results: readonly (RateResult | undefined)[]): number {
  return Math.max(0, ...results.map((result) => (result === undefined || result.allowed ? 0 : Math.max(1, result.resetMs))))
}

function accountKey(email: string): string {
  return `auth:account:${hashed(email)}`
}

/** Counters are in Redis and PostgreSQL, where no addresses of people need to be. */
function hashed(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
