// S6: how often a password may be tried, and who is not locked out by the tries of others.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accountBed, type AccountBed, type AccountProcess } from '../../../test/support/account-bed.ts'
import { testDatabase } from '../../../test/support/postgres.ts'
import { silentLog } from '../../core/log.ts'
import { authErrors } from '../errors.ts'
import { SharedRates } from '../../state/shared-rates.ts'
import { processRates } from '../../state/window.ts'
import { changePassword } from './change-account.ts'
import type { AccountParts } from './parts.ts'
import { requestPasswordReset, resetPassword } from './reset-password.ts'
import { checkSignIn } from './sign-in.ts'
import { signUp, verifyEmail } from './sign-up.ts'
import { TryLimits } from './try-limits.ts'

let bed: AccountBed
let processes: readonly AccountProcess[]
beforeAll(async () => {
  bed = await accountBed(testDatabase().url)
  processes = [await bed.process(), await bed.process()]
})
afterAll(() => bed.close())

function process(n = 0): AccountProcess {
  const found = processes[n % 2]
  if (found === undefined) throw new Error('There are two processes.')
  return found
}

interface Try {
  readonly email: string
  readonly address: string
  readonly password?: string
  readonly device?: string
}

/** The code of the refusal, or `signed in`. */
async function tried({ email, address, password = 'wrong horse', device }: Try, n = 0): Promise<string> {
  const origin = { address, agent: undefined }
  return checkSignIn(process(n).auth.parts, { email, password, device }, origin).then(
    () => 'signed in',
    ({ code }: { code: string }) => code,
  )
}

function counted(codes: readonly string[]): Record<string, number> {
  return Object.fromEntries(Object.entries(Object.groupBy(codes, (code) => code)).map(([code, same]) => [code, same?.length ?? 0]))
}

function deviceOf(email: string, now = Date.now(), generation = '0'): string {
  return process().auth.parts.limits.devices.issue({ email, generation }, now)
}

describe('an account', () => {
  test('is tried at most ten times in a quarter of an hour, from however many addresses and through two processes', async () => {
    await process().auth.accounts.create({ email: 'ann@example.com', password: 'correct horse' })
    const tries = Array.from({ length: 60 }, (_, n) => tried({ email: 'ann@example.com', address: `10.0.${n}.1` }, n))
    expect(counted(await Promise.all(tries))).toEqual({ AUTH_WRONG_CREDENTIALS: 10, AUTH_TOO_MANY_TRIES: 50 })
    expect(await tried({ email: 'ann@example.com', address: '10.9.9.9', password: 'correct horse' })).toBe('AUTH_TOO_MANY_TRIES')
  })

  test('that nobody has is counted alike', async () => {
    const tries = Array.from({ length: 60 }, (_, n) => tried({ email: 'nobody@example.com', address: `10.1.${n}.1` }, n))
    expect(counted(await Promise.all(tries))).toEqual({ AUTH_WRONG_CREDENTIALS: 10, AUTH_TOO_MANY_TRIES: 50 })
  })

  test('under attack lets in a device that its owner has signed in with, which has ten tries of its own', async () => {
    const device = deviceOf('ann@example.com')
    expect(await tried({ email: 'ann@example.com', address: '10.9.9.9', password: 'correct horse', device })).toBe('signed in')
    const tries = await Promise.all(Array.from({ length: 12 }, () => tried({ email: 'ann@example.com', address: '10.9.9.9', device })))
    expect(counted(tries)).toEqual({ AUTH_WRONG_CREDENTIALS: 9, AUTH_TOO_MANY_TRIES: 3 })
  })

  test('does not take a device of another account, nor one that somebody made up', async () => {
    const others = deviceOf('bob@example.com')
    for (const device of [others, 'x.y', '', `${others}x`, deviceOf('ann@example.com', Date.now() - 181 * 86_400_000)])
      expect(await tried({ email: 'ann@example.com', address: '10.9.9.8', password: 'correct horse', device })).toBe('AUTH_TOO_MANY_TRIES')
  })

  test('takes one device for one, however much is written behind it', async () => {
    await process().auth.accounts.create({ email: 'eve@example.com', password: 'correct horse' })
    const device = deviceOf('eve@example.com')
    const tries = Array.from({ length: 30 }, (_, n) => tried({ email: 'eve@example.com', address: '10.4.0.1', device: `${device}.${n}` }))
    expect(counted(await Promise.all(tries))).toEqual({ AUTH_WRONG_CREDENTIALS: 5, AUTH_TOO_MANY_TRIES: 25 })
  })

  test('forgets its devices when everything that signed its owner in is ended', async () => {
    const id = await process().auth.accounts.create({ email: 'flo@example.com', password: 'correct horse' })
    const device = deviceOf('flo@example.com')
    const tries = Array.from({ length: 9 }, (_, n) => tried({ email: 'flo@example.com', address: `10.5.${n}.1` }))
    expect(counted(await Promise.all(tries))).toEqual({ AUTH_WRONG_CREDENTIALS: 9 })
    expect(await tried({ email: 'flo@example.com', address: '10.5.9.1', device })).toBe('AUTH_WRONG_CREDENTIALS')
    await process().auth.accounts.signOutEverywhere(id)
    expect(await tried({ email: 'flo@example.com', address: '10.5.9.2', device })).toBe('AUTH_WRONG_CREDENTIALS')
    expect(await tried({ email: 'flo@example.com', address: '10.5.9.3', device })).toBe('AUTH_TOO_MANY_TRIES')
    expect(await tried({ email: 'flo@example.com', address: '10.5.9.3', device: deviceOf('flo@example.com', Date.now(), '1') })).toBe(
      'AUTH_WRONG_CREDENTIALS',
    )
  })

  test('that one address guesses at lets its owner in from another', async () => {
    await process().auth.accounts.create({ email: 'cleo@example.com', password: 'correct horse' })
    const tries = await Promise.all(Array.from({ length: 20 }, (_, n) => tried({ email: 'cleo@example.com', address: '10.2.0.1' }, n)))
    expect(counted(tries)).toEqual({ AUTH_WRONG_CREDENTIALS: 5, AUTH_TOO_MANY_TRIES: 15 })
    expect(await tried({ email: 'cleo@example.com', address: '10.2.0.2', password: 'correct horse' })).toBe('signed in')
  })

  test('under attack can still be reset by mail', async () => {
    await requestPasswordReset(process().auth.parts, 'ann@example.com', { address: '10.9.9.7', agent: undefined })
    await expect.poll(() => process().mails.find(({ to }) => to === 'ann@example.com')?.subject).toMatch(/Set a new password/)
  })
})

/** Another process, whose clock the test sets: minutes. */
function limitsAt(): { readonly limits: TryLimits; readonly clock: { minute: number } } {
  const clock = { minute: 0 }
  const now = () => clock.minute * 60_000
  const rates = new SharedRates({ stores: [processRates(now)], log: silentLog(), count: () => undefined, now })
  return { limits: new TryLimits(rates, 'a secret of the test'), clock }
}

/** Tries a password that is looked at. */
async function signIn(limits: TryLimits, tried: Parameters<TryLimits['signIn']>[0]): Promise<void> {
  await limits.signIn(tried)
  await limits.lookedAt(tried)
}

/** How many minutes there are to wait; 0 for who is let in. */
async function waitOf(work: Promise<void>): Promise<number> {
  const refused = await work.then(
    () => undefined,
    (error: { headers: Record<string, string> }) => error,
  )
  return Number(refused?.headers['retry-after'] ?? 0) / 60
}

describe('who goes on', () => {
  test('while hashes wait in a line that is too long is not kept out for longer than that', async () => {
    const { limits, clock } = limitsAt()
    const { auth } = process()
    await auth.accounts.create({ email: 'hal@example.com', password: 'correct horse' })
    const busy = { verify: () => Promise.reject(authErrors.BUSY()) } as unknown as AccountParts['passwords']
    const withParts = (changes: Partial<AccountParts>) =>
      checkSignIn(
        { ...auth.parts, limits, ...changes },
        { email: 'hal@example.com', password: 'correct horse', device: undefined },
        { address: '192.0.2.9', agent: undefined },
      )
    for (; clock.minute < 180; clock.minute += 5) await expect(withParts({ passwords: busy })).rejects.toThrow()
    clock.minute += 16
    expect((await withParts({})).email).toBe('hal@example.com')
  })

  /** Tries as soon as it is said, for as long as it is let in. @returns minutes of each wait */
  async function waits(attempt: (limits: TryLimits) => Promise<void>, days: number): Promise<{ tries: number; waited: number[] }> {
    const { limits, clock } = limitsAt()
    const waited: number[] = []
    let tries = 0
    while (clock.minute < days * 1_440) {
      const wait = await waitOf(attempt(limits))
      if (wait === 0) tries += 1
      else waited.push(wait)
      clock.minute += wait
    }
    return { tries, waited }
  }

  test('to try the password of one account from one address waits for a quarter of an hour, then an hour, then a day', async () => {
    const attempt = (limits: TryLimits) => signIn(limits, { email: 'ann@example.com', address: '10.8.0.1', device: undefined })
    const { tries, waited } = await waits(attempt, 1)
    expect(tries).toBe(20)
    expect(waited[0]).toBeGreaterThanOrEqual(15)
    expect(waited[0]).toBeLessThan(16)
    expect(waited[1]).toBeGreaterThan(40)
    expect(waited.at(-1)).toBeGreaterThan(1_200)
  })

  test('to ask for resets of one account from one address waits as long, whether anybody has it or not', async () => {
    const { tries, waited } = await waits((limits) => limits.reset('nobody@example.com', '10.8.0.2'), 1)
    expect(tries).toBe(20)
    expect(waited.at(-1)).toBeGreaterThan(1_200)
  })

  test('to try codes with a password waits for a day after fifty, and whoever has a new password does not', async () => {
    const { tries, waited } = await waits((limits) => limits.code('ann', { generation: '0' }), 1)
    expect([tries, waited.at(-1)]).toEqual([50, expect.toSatisfy((minutes: number) => minutes > 1_000)])
    const { limits } = limitsAt()
    for (let n = 0; n < 10; n += 1) await limits.code('ann', { generation: '0' })
    expect(await waitOf(limits.code('ann', { generation: '0' }))).toBeGreaterThan(0)
    expect(await waitOf(limits.code('ann', { generation: '1' }))).toBe(0)
    let generation = 0
    expect((await waits((others) => others.code('ann', { generation: String((generation += 1)) }), 1)).tries).toBe(100)
  })

  test('to try what only the user knows by a session that was stolen leaves tries for another session', async () => {
    for (const what of ['password', 'code'] as const) {
      const { limits, clock } = limitsAt()
      const attempt = (session: string) => waitOf(what === 'code' ? limits.code('ann', { session }) : limits.password('ann', session))
      let tries = 0
      for (; clock.minute < 1_440; clock.minute += 16) {
        for (let n = 0; n < 10; n += 1) if ((await attempt('stolen')) === 0) tries += 1
        if (clock.minute % 160 === 0) expect(await attempt('hers')).toBe(0)
      }
      expect(tries).toBe(20)
    }
  })

  test('over all accounts has a thousand tries a day', async () => {
    let n = 0
    const { tries } = await waits(
      (limits) => signIn(limits, { email: `${(n += 1)}@example.com`, address: '10.8.0.3', device: undefined }),
      1,
    )
    expect(tries).toBe(1_000)
  })

  test('does not keep an account closed for others for longer than a quarter of an hour', async () => {
    const { limits, clock } = limitsAt()
    let address = 0
    const attempt = () => signIn(limits, { email: 'ann@example.com', address: `10.9.${(address += 1)}.1`, device: undefined })
    for (const [turn] of Array.from({ length: 20 }).entries()) {
      clock.minute = turn * 20
      for (let n = 0; n < 10; n += 1) await attempt()
      expect(await waitOf(attempt())).toBeLessThan(16)
    }
  })

  test('keeps the owner out no longer than everybody else, however often she tries meanwhile', async () => {
    const { limits, clock } = limitsAt()
    const attempt = (address: string) => waitOf(signIn(limits, { email: 'ann@example.com', address, device: undefined }))
    for (let n = 0; clock.minute < 180; clock.minute += 5) {
      while ((await attempt(`10.10.${(n += 1)}.1`)) === 0);
      expect(await attempt('192.0.2.1')).toBeGreaterThan(0)
    }
    clock.minute += 16
    expect(await attempt('192.0.2.1')).toBe(0)
  })

  test('from many networks of a customer with IPv6 tries an account no more than from one', async () => {
    const { limits, clock } = limitsAt()
    const attempt = (address: string) => waitOf(signIn(limits, { email: 'ann@example.com', address, device: undefined }))
    for (let n = 0; n < 50; clock.minute += 16) {
      for (const last = n + 10; n < last; n += 1) await attempt(`2001:db8:7:${n}::1`)
      expect(await attempt(`10.11.${n}.1`)).toBe(0)
    }
    let asked = 0
    for (let n = 0; n < 30; n += 1) if ((await waitOf(limits.reset('ann@example.com', `2001:db8:9:${n}::1`))) === 0) asked += 1
    expect(asked).toBe(5)
  })
})

test.each([
  [
    'tries of passwords',
    1_000,
    (limits: TryLimits, address: string, n: number) => signIn(limits, { email: `${n}@example.com`, address, device: undefined }),
  ],
  ['requests for mails', 300, (limits: TryLimits, address: string) => limits.mailFrom(address)],
  ['links', 1_000, (limits: TryLimits, address: string) => limits.link(address)],
  ['beginnings', 1_000, (limits: TryLimits, address: string) => limits.begin('provider', address)],
] as const)('%s of all networks of a customer with IPv6 are at most %i', async (_what, most, attempt) => {
  const { limits } = limitsAt()
  let allowed = 0
  for (let n = 0; n < most + 50; n += 1) if ((await waitOf(attempt(limits, `2001:db8:7:${n.toString(16)}::1`, n))) === 0) allowed += 1
  expect(allowed).toBe(most)
  expect(await waitOf(attempt(limits, '2001:db8:8::1', most + 50))).toBe(0)
})

test('a known device is let in at an address whose tries are used up', async () => {
  const { limits } = limitsAt()
  const address = '10.8.0.4'
  const guess = (n: number) => signIn(limits, { email: `${n}@example.com`, address, device: undefined })
  for (let n = 0; n < 100; n += 1) await guess(n)
  expect(await waitOf(guess(100))).toBeGreaterThan(0)
  expect(await waitOf(signIn(limits, { email: 'ann@example.com', address, device: 'hers' }))).toBe(0)
})

test('an address tries a hundred times in a quarter of an hour, over all accounts, and IPv6 has one address for a network', async () => {
  const address = (n: number) => `2001:db8:0:7::${n.toString(16)}`
  const tries: string[] = []
  // Few of one address wait at once.
  for (let first = 0; first < 120; first += 8)
    tries.push(
      ...(await Promise.all(
        Array.from({ length: 8 }, (_, i) => tried({ email: `user${first + i}@example.com`, address: address(first + i + 1) }, i)),
      )),
    )
  expect(counted(tries)).toEqual({ AUTH_WRONG_CREDENTIALS: 100, AUTH_TOO_MANY_TRIES: 20 })
})

test('who is refused is told when to come again', async () => {
  const refusal = checkSignIn(
    process().auth.parts,
    { email: 'ann@example.com', password: 'x', device: undefined },
    { address: '10.9.9.6', agent: undefined },
  )
  const { headers } = (await refusal.catch((error: { headers: Record<string, string> }) => error)) as { headers: Record<string, string> }
  expect(Number(headers['retry-after'])).toBeGreaterThan(600)
  expect(Number(headers['retry-after'])).toBeLessThanOrEqual(15 * 60 + 29)
})

test('nobody gets more than five mails of one kind in an hour, and who asks for them is not told', async () => {
  await process().auth.accounts.create({ email: 'dora@example.com', password: 'correct horse' })
  for (let n = 0; n < 8; n += 1)
    await requestPasswordReset(process(n).auth.parts, 'dora@example.com', { address: `10.3.${n}.1`, agent: undefined })
  const sent = () => processes.flatMap(({ mails }) => mails).filter(({ to }) => to === 'dora@example.com').length
  await expect.poll(sent).toBe(5)
  await sleep(100)
  expect(sent()).toBe(5)
})

test('mails that others ask for keep neither a reset nor a notice from their owner', async () => {
  const email = 'gil@example.com'
  const user = await process()
    .auth.accounts.create({ email, password: 'correct horse' })
    .then((id) => process().auth.accounts.find(id))
  const from = (n: number) => ({ address: `10.6.${n}.1`, agent: undefined })
  for (let n = 0; n < 7; n += 1) await signUp(process().auth.parts, { email, password: 'another horse', own: {} }, from(n))
  for (let n = 0; n < 7; n += 1) await requestPasswordReset(process().auth.parts, email, from(n))
  await changePassword(process().auth.parts, user ?? expect.fail('There is no such user.'), 'correct horse', 'battery staple', from(9))
  const sent = () => process().mails.filter(({ to }) => to === email)
  const many = (subject: RegExp) => sent().filter((mail) => subject.test(mail.subject)).length
  await expect.poll(() => [many(/have an account/), many(/Set a new/), many(/its password was changed/)]).toEqual([5, 5, 1])
})

test('what is refused again and again is in the audit a few times, and links are limited by address', async () => {
  const { auth, db } = process()
  const origin = { address: '10.7.0.1', agent: undefined }
  const code = (work: Promise<unknown>) =>
    work.then(
      () => 'done',
      (error: { code: string }) => error.code,
    )
  const links = await Promise.all(Array.from({ length: 120 }, () => code(verifyEmail(auth.parts, 'garbage', origin))))
  expect(counted(links)).toEqual({ AUTH_INVALID_LINK: 100, AUTH_TOO_MANY_TRIES: 20 })
  expect(await code(resetPassword(auth.parts, 'garbage', 'battery staple', origin))).toBe('AUTH_TOO_MANY_TRIES')
  await Promise.all(Array.from({ length: 30 }, () => tried({ email: 'nobody@example.org', address: origin.address })))
  const rows = await db.query(
    `select action, count(*)::int as rows from plinth.audit where address = '10.7.0.1' group by action order by action`,
  )
  expect(rows).toEqual([
    { action: 'link.refused', rows: 5 },
    { action: 'sign_in.failed', rows: 5 },
    { action: 'sign_in.limited', rows: 5 },
  ])
})
