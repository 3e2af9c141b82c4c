// S5: nobody learns who has an account: by no status, header or body, and not by the time that an answer takes, nor by the time that the
// request after it takes.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestApp, TestReply } from 'plinth/testing'
import { areaUnderCurve } from '../support/area-under-curve.ts'
import { Browser, identityApp, password } from '../support/identity-app.ts'
import { testDatabase } from '../support/postgres.ts'
import { amount, isLong, report, seed } from './support/amount.ts'
import { randomFrom } from './support/random.ts'

const timeoutMs = 300_000
const pairs = amount(60, 1_000)
/** Four times what chance does: of 1,000 pairs 0.45 to 0.55. */
const margin = (count: number): number => Math.floor(164 / Math.sqrt(count)) / 100

let app: TestApp
beforeAll(async () => {
  // A hash costs next to nothing, so that it does not hide the rest.
  app = await identityApp(testDatabase().url, {}, { environment: { PASSWORD_MEMORY: '64KB', PASSWORD_PASSES: '1' } })
})
afterAll(() => app.close())

type Ask = (email: string) => Promise<TestReply>
/** Each from an address of its own, so that no limit is met. */
const ask =
  (path: string, more: object = {}): Ask =>
  (email) =>
    new Browser(app).send('POST', path, { email, ...more })
const asks = {
  'sign in': ask('/auth/sign-in', { password: 'wrong horse' }),
  'ask for a reset': ask('/auth/request-password-reset'),
  'sign up': ask('/auth/sign-up', { password }),
}
type What = keyof typeof asks
const everyWay = Object.keys(asks) as What[]

let made = 0
/** Accounts, and as many addresses that nobody has. @param phc  of all of them */
async function addresses(phc?: string, count = pairs): Promise<{ known: string[]; unknown: string[] }> {
  const group = (made += 1)
  const of = (name: string) => Array.from({ length: count }, (_, n) => `${name}-${group}-${n}@example.com`)
  const kept = phc ?? (await app.app.auth?.parts.passwords.hash(password))
  await app.app.db.query(
    `with added as (insert into users (email) select unnest($1::text[]) returning id) insert into plinth.credentials (user_id, password) select id, $2 from added`,
    [of('known'), kept],
  )
  return { known: of('known'), unknown: of('nobody') }
}

interface Areas {
  /** By the time of the answer. */
  readonly own: number
  /** By the time of the next answer, whatever that one was about. */
  readonly next: number
}

/** Asks about each address once, in turns of one known and one unknown in either order. */
async function compare(
  what: What,
  { known, unknown }: { readonly known: readonly string[]; readonly unknown: readonly string[] },
): Promise<Areas> {
  const own: Record<'known' | 'unknown', number[]> = { known: [], unknown: [] }
  const next: typeof own = { known: [], unknown: [] }
  const random = randomFrom(seed)
  let before: keyof typeof own | undefined
  for (const [n, email] of known.entries()) {
    const turn = [['known', email] as const, ['unknown', unknown[n] ?? ''] as const]
    for (const [kind, address] of random.once(2) ? turn : turn.toReversed()) {
      const start = performance.now()
      await asks[what](address)
      const took = performance.now() - start
      own[kind].push(took)
      if (before !== undefined) next[before].push(took)
      before = kind
    }
  }
  return { own: areaUnderCurve(own.known, own.unknown), next: areaUnderCurve(next.known, next.unknown) }
}

/** Which of the two takes longer. */
function slower(area: number, count = pairs): 'known' | 'unknown' | 'neither' {
  if (Math.abs(area - 0.5) <= margin(count)) return 'neither'
  return area > 0.5 ? 'known' : 'unknown'
}

const shown = ({ own, next }: Areas): string => `${own.toFixed(3)}, of the answer after it ${next.toFixed(3)}`

describe('S5: an address that has an account and one that nobody has', () => {
  test.each(everyWay)('get the same status, headers and body when they %s', async (what) => {
    const { known, unknown } = await addresses()
    const of = ({ status, headers, body }: TestReply) => {
      const { 'x-request-id': _id, date: _date, ...rest } = headers
      return { status, headers: rest, body }
    }
    expect(of(await asks[what](known[0] ?? ''))).toEqual(of(await asks[what](unknown[0] ?? '')))
  })

  test.each(everyWay)(
    'cannot be told apart by time when they %s',
    async (what) => {
      const areas = await compare(what, await addresses())
      report(`S5: ${what}, ${pairs} known and ${pairs} unknown addresses: area under the curve ${shown(areas)}`)
      expect([slower(areas.own), slower(areas.next)]).toEqual(['neither', 'neither'])
    },
    timeoutMs,
  )
})

/** Does `work` while a method is another one. */
async function instead<on extends object, name extends keyof on>(
  on: on,
  name: name,
  other: on[name],
  work: () => Promise<void>,
): Promise<void> {
  const before = on[name]
  on[name] = other
  await work().finally(() => (on[name] = before))
}

/** Much more than a write takes: few pairs find it on a busy machine, too. */
const slowMs = 50

describe('S5: the comparison finds in few pairs', () => {
  const users = () => app.app.auth?.parts.users ?? expect.fail('There is no identity.')
  const few = 20
  const isKnown = async (email: string) => (await users().findByEmail(email)) !== undefined

  test(
    'a reset that does more where there is an account',
    async () => {
      const add = users().addResetToken.bind(users())
      const slow: typeof add = async (email, token) => ((await isKnown(email)) && (await sleep(slowMs)), add(email, token))
      await instead(users(), 'addResetToken', slow, async () =>
        expect(slower((await compare('ask for a reset', await addresses(undefined, few))).own, few)).toBe('known'),
      )
    },
    timeoutMs,
  )

  test(
    'a sign-up that does more where there is none',
    async () => {
      const add = users().add.bind(users())
      const slow: typeof add = async (email, ...rest) => ((await isKnown(email)) || (await sleep(slowMs)), add(email, ...rest))
      await instead(users(), 'add', slow, async () =>
        expect(slower((await compare('sign up', await addresses(undefined, few))).own, few)).toBe('unknown'),
      )
    },
    timeoutMs,
  )
})

// What it costs to write a row is found in many pairs only: the commit hides it.
describe.skipIf(!isLong)('S5: the comparison finds', () => {
  const users = () => app.app.auth?.parts.users ?? expect.fail('There is no identity.')

  test(
    'a reset that writes nothing where there is no account',
    async () => {
      const add = users().addResetToken.bind(users())
      const early: typeof add = async (email, token) => ((await users().findByEmail(email)) === undefined ? undefined : add(email, token))
      await instead(users(), 'addResetToken', early, async () =>
        expect(slower((await compare('ask for a reset', await addresses())).own)).toBe('known'),
      )
    },
    timeoutMs,
  )

  test(
    'a sign-up that writes nothing where there is an account',
    async () => {
      const add = users().add.bind(users())
      const early: typeof add = async (email, ...rest) =>
        (await users().findByEmail(email)) === undefined ? add(email, ...rest) : undefined
      await instead(users(), 'add', early, async () => expect(slower((await compare('sign up', await addresses())).own)).toBe('unknown'))
    },
    timeoutMs,
  )
})

describe('S5: where passwords cost something', () => {
  const few = amount(40, 300)

  async function withCost(work: () => Promise<void>): Promise<void> {
    const before = app
    app = await identityApp(testDatabase().url, {}, { environment: { PASSWORD_MEMORY: '4MB', PASSWORD_PASSES: '3' } })
    try {
      await work()
    } finally {
      await app.close()
      app = before
    }
  }

  test(
    'the comparison finds a sign-in that returns at once where there is no account',
    async () => {
      await withCost(async () => {
        const { passwords } = app.app.auth?.parts ?? expect.fail('There is no identity.')
        const verify = passwords.verify.bind(passwords)
        const early: typeof verify = async (secret, phc, asker) =>
          phc === undefined ? { matches: false, outdated: false } : verify(secret, phc, asker)
        const accounts = await addresses(undefined, few)
        await instead(passwords, 'verify', early, async () => expect(slower((await compare('sign in', accounts)).own, few)).toBe('known'))
      })
    },
    timeoutMs,
  )

  test.skipIf(!isLong)(
    'and it was raised: accounts with the old cost cannot be told from addresses that nobody has, and without care they can',
    async () => {
      const old = await app.app.auth?.parts.passwords.hash(password)
      await withCost(async () => {
        const careless = await compare('sign in', await addresses(old, few))
        await app.app.auth?.parts.passwords.prepare()
        const careful = await compare('sign in', await addresses(old, few))
        report(`S5: sign in, ${few} accounts with an old cost: area under the curve ${shown(careful)}; without care ${shown(careless)}`)
        expect(slower(careless.own, few)).toBe('unknown')
        expect([slower(careful.own, few), slower(careful.next, few)]).toEqual(['neither', 'neither'])
      })
    },
    timeoutMs,
  )
})
