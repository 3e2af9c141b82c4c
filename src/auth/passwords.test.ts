import { argon2Sync } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { checkPassword } from './password-rules.ts'
import { Passwords } from './passwords.ts'
import { StoredCosts } from './stored-costs.ts'
import { WaitingLine } from './waiting-line.ts'

const cheap = { memory: 64, passes: 1, parallelism: 1 }

test('a password is kept as a PHC string of argon2id that any other program can check', async () => {
  const phc = await new Passwords(cheap).hash('correct horse')
  const [, , , , salt = '', tag] = phc.split('$')
  const nonce = Buffer.from(salt, 'base64')
  const expected = argon2Sync('argon2id', { message: 'correct horse', nonce, tagLength: 32, ...cheap })
  expect(phc).toMatch(/^\$argon2id\$v=19\$m=64,t=1,p=1\$/)
  expect(tag).toBe(expected.toString('base64').replace(/=+$/, ''))
})

test('only the right password matches, however its letters are composed', async () => {
  const passwords = new Passwords(cheap)
  const phc = await passwords.hash('Zürich am See')
  expect(await passwords.verify('Zürich am See', phc)).toEqual({ matches: true, outdated: false })
  expect(await passwords.verify('Zu\u0308rich am See', phc)).toEqual({ matches: true, outdated: false })
  expect((await passwords.verify('Zurich am See', phc)).matches).toBe(false)
  expect((await passwords.verify('', phc)).matches).toBe(false)
})

test('without an account nothing matches, and the same work is done', async () => {
  const passwords = new Passwords({ ...cheap, memory: 19_456, passes: 2 })
  const phc = await passwords.hash('correct horse')
  await passwords.prepare()
  const cpuOf = async (kept?: string): Promise<number> => {
    const before = process.cpuUsage()
    expect((await passwords.verify('wrong', kept)).matches).toBe(false)
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
  const known = await cpuOf(phc)
  // A verification that is left out costs a hundredth of it.
  expect(await cpuOf()).toBeGreaterThan(known / 10)
})

test('after the cost was raised, addresses that nobody has cost what accounts do, in the same shares, and each always the same', async () => {
  const [old, now] = [cheap, { ...cheap, passes: 400 }]
  const shares = { old: 3, now: 1 }
  const read = async () => [
    { cost: now, accounts: shares.now },
    { cost: old, accounts: shares.old },
  ]
  const costs = new StoredCosts(read, now, 'a secret')
  const emails = Array.from({ length: 2_000 }, (_, n) => `nobody-${n}@example.com`)
  const olds = () => emails.filter((email) => costs.costOf(email) === old)
  expect(olds()).toEqual([])
  await costs.refresh()
  const before = olds()
  expect(before.length / emails.length).toBeCloseTo(0.75, 1)
  expect(olds()).toEqual(before)
  // People sign in and their passwords are hashed again: nobody's addresses do the same, and none goes back.
  shares.old = 1
  await costs.refresh()
  expect(olds().length / emails.length).toBeCloseTo(0.5, 1)
  expect(before).toEqual(expect.arrayContaining(olds()))
  const passwords = new Passwords(now, costs)
  const cpuOf = async (email: string | undefined): Promise<number> => {
    const start = process.cpuUsage()
    for (let time = 0; time < 10; time += 1) await passwords.verify('wrong', undefined, { email: email ?? '' })
    return process.cpuUsage(start).user
  }
  const [cheapest, dearest] = [await cpuOf(olds()[0]), await cpuOf(emails.find((email) => !before.includes(email)))]
  expect(dearest).toBeGreaterThan(3 * cheapest)
})

test('the costs of kept passwords are asked for again a second after that failed, and every five minutes otherwise', async () => {
  const clock = vi.spyOn(performance, 'now')
  onTestFinished(() => clock.mockRestore())
  const at = (ms: number) => void clock.mockReturnValue(ms)
  let isAway = true
  const read = () => (isAway ? Promise.reject(new Error('The database is away.')) : Promise.resolve([]))
  const costs = new StoredCosts(read, cheap, 'a secret')
  const old = (ms: number) => (at(ms), costs.isOld)
  expect(old(0)).toBe(true)
  await expect(costs.refresh()).rejects.toThrow('away')
  expect([old(900), old(1_000)]).toEqual([false, true])
  isAway = false
  await costs.refresh()
  expect([old(300_000), old(301_000)]).toEqual([false, true])
})

test('a password that was hashed with another cost is to be hashed again', async () => {
  const phc = await new Passwords(cheap).hash('correct horse')
  const dearer = new Passwords({ ...cheap, passes: 2 })
  expect(await dearer.verify('correct horse', phc)).toEqual({ matches: true, outdated: true })
  expect(await dearer.verify('wrong horse', phc)).toEqual({ matches: false, outdated: false })
})

test('more passwords than can be checked in time are refused with AUTH_BUSY', async () => {
  const passwords = new Passwords(cheap)
  const settled = await Promise.allSettled(Array.from({ length: 300 }, () => passwords.hash('correct horse')))
  const refused = settled.filter(({ status }) => status === 'rejected')
  expect(refused.length).toBeGreaterThan(50)
  expect(refused[0]).toMatchObject({ reason: { code: 'AUTH_BUSY', status: 503 } })
  expect(await passwords.hash('correct horse')).toContain('$argon2id$')
})

test('a line lets in few at once, in the order they came, and nobody waits too long', async () => {
  const line = new WaitingLine({ atOnce: 1, most: 2, mostOfGroup: [2], longestWaitMs: 60 })
  const first = await line.enter()
  const waiting = [line.enter(), line.enter()]
  expect(await line.enter()).toBeUndefined()
  first?.()
  first?.()
  expect(await waiting[0]).toBeTypeOf('function')
  expect(await Promise.race([waiting[1], sleep(10, 'still waiting')])).toBe('still waiting')
  expect(await waiting[1]).toBeUndefined()
})

test.each([
  ['short77', 'must have at least 8 characters'],
  ['x7'.repeat(65), 'must have at most 128 characters'],
  ['aaaaaaaaaaaa', 'is the same character over and over'],
  ['Password', 'is one of those that everybody tries first'],
  ['ＰＡＳＳＷＯＲＤ', 'is one of those that everybody tries first'],
  ['iloveyou', 'is one of those that everybody tries first'],
  ['Ann.Smith', 'is the address of the account'],
  ['ann.smith@example.com', 'is the address of the account'],
])('the password %s is refused: it %s', (password, problem) => {
  const refused = expect.objectContaining({ code: 'AUTH_WEAK_PASSWORD', field: 'password', message: `The password ${problem}.` })
  expect(() => checkPassword(password, { email: 'ann.smith@example.com' })).toThrow(refused)
})

test.each(['correct horse', '🐴🔋 staple', 'x7z'.repeat(42), '        a b'])('the password %j is taken', (password) => {
  expect(() => checkPassword(password, { email: 'ann.smith@example.com' })).not.toThrow()
})

test('of one address few wait, so that others find a place in the line', async () => {
  const line = new WaitingLine({ atOnce: 1, most: 20, mostOfGroup: [3], longestWaitMs: 60_000 })
  const first = await line.enter(['10.0.0.1'])
  const same = Array.from({ length: 30 }, () => line.enter(['10.0.0.1']))
  const others = [line.enter(['10.0.0.2']), line.enter(['10.0.0.3'])]
  const leave = async (entered: Promise<(() => void) | undefined>) => {
    const done = await entered
    done?.()
    return done !== undefined
  }
  first?.()
  const entered = await Promise.all([...same, ...others].map(leave))
  expect(entered.filter(Boolean)).toHaveLength(5)
  expect(entered.slice(-2)).toEqual([true, true])
  expect(await leave(line.enter(['10.0.0.1']))).toBe(true)
})

test('nobody fills the line who has a network of addresses, of a customer or of a provider', async () => {
  const passwords = new Passwords({ ...cheap, passes: 20 })
  await passwords.prepare()
  const waiting = (addresses: readonly string[]) =>
    addresses.map((address) =>
      passwords.verify('wrong', undefined, { address }).then(
        () => 'checked',
        ({ code }: { code: string }) => code,
      ),
    )
  const count = (codes: readonly string[]): number => codes.filter((code) => code === 'checked').length
  // 65,536 blocks of /64 are in a /48, as many of /48 in a /32.
  const customer = waiting(Array.from({ length: 300 }, (_, n) => `2001:db8:1:${n.toString(16)}::1`))
  const provider = waiting(Array.from({ length: 300 }, (_, n) => `2001:db8:${(n + 2).toString(16)}::1`))
  const neighbours = waiting(Array.from({ length: 300 }, (_, n) => `10.0.0.${n & 255}`))
  const others = waiting(Array.from({ length: 50 }, (_, n) => `192.${n}.2.1`))
  expect(count(await Promise.all(others))).toBe(50)
  // Those who were let in without waiting are not counted.
  for (const [few, most] of [
    [customer, 30],
    [provider, 60],
    [neighbours, 30],
  ] as const)
    expect(count(await Promise.all(few))).toBeLessThanOrEqual(most + 4)
})

test('new passwords wait in the same line: sign-ups of one network keep nobody else from signing in', async () => {
  const passwords = new Passwords({ ...cheap, passes: 20 })
  await passwords.prepare()
  const signUps = Array.from({ length: 300 }, (_, n) =>
    passwords.hash('correct horse', { address: `2001:db8:1:${n.toString(16)}::1` }).then(
      () => 'hashed',
      ({ code }: { code: string }) => code,
    ),
  )
  expect(await passwords.verify('wrong', undefined, { address: '203.0.113.9' })).toMatchObject({ matches: false })
  expect((await Promise.all(signUps)).filter((code) => code === 'hashed').length).toBeLessThanOrEqual(34)
})
