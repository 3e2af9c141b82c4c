// S2: who is signed out, has a new password, was disabled, or has lost a role, is that for the next request to the process that did it, and
// within a second for every other, by cookie and by token, with Redis, without it, and when it dies or freezes just before.

import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { tokenIn } from '../support/account-bed.ts'
import { mailTo, newUser, password, samePage } from '../support/identity-app.ts'
import { until } from '../support/redis.ts'
import { hasRedis, type RedisServer, startRedis } from '../support/redis-server.ts'
import { isLong, report } from './support/amount.ts'
import type { Reply } from './support/caller.ts'
import { type Replicas, startReplicas } from './support/replicas.ts'

/** Of requests that begin later than that after the end, none is accepted. */
const promiseMs = 1_000
const watchedMs = 1_500

/** Somebody who is signed in twice, by cookie and by token. */
interface Person {
  readonly id: string
  readonly email: string
  readonly shown: Readonly<Record<'cookie' | 'token', Record<string, string>>>
}

const address = '192.0.2.1'

async function signedIn(replicas: Replicas, email: string): Promise<Person> {
  const id = await newUser(replicas.test, email)
  const accounts = replicas.test.app.auth?.accounts
  await accounts?.grant(id, 'editor')
  const signIn = (mode: string, headers: Record<string, string>) =>
    replicas.send({ method: 'POST', path: '/auth/sign-in', body: { email, password, mode }, headers }, { address, replica: 0 })
  const [byCookie, byToken] = [await signIn('cookie', samePage), await signIn('token', {})]
  const cookie = /session=[^;]+/.exec(String(byCookie.headers['set-cookie']))?.[0] ?? ''
  const { data } = byToken.json() as { data: { access_token: string } }
  return { id, email, shown: { cookie: { cookie, ...samePage }, token: { authorization: `Bearer ${data.access_token}` } } }
}

type Way = keyof Person['shown']
const ways: readonly Way[] = ['cookie', 'token']

/** What ends something, done through the first replica. It ends both ways of showing who one is. */
const ends: Readonly<Record<string, (replicas: Replicas, person: Person) => Promise<unknown>>> = {
  'sign-out': async (replicas, { shown }) => {
    for (const way of ways) await post(replicas, '/auth/sign-out', undefined, shown[way])
  },
  'sign-out everywhere': (replicas, { shown }) => post(replicas, '/auth/sign-out-everywhere', undefined, shown.token),
  'a new password': (replicas, { shown }) =>
    post(replicas, '/auth/change-password', { current_password: password, password: 'battery staple' }, { ...shown.token }),
  'a reset': async (replicas, { email }) => {
    await post(replicas, '/auth/request-password-reset', { email })
    await post(replicas, '/auth/reset-password', {
      token: tokenIn(await mailTo(replicas.test, email, /Set a new/)),
      password: 'battery staple',
    })
  },
  disabling: async ({ test: { app } }, { id }) => app.auth?.accounts.disable(id),
  'a role that is taken': async ({ test: { app } }, { id }) => app.auth?.accounts.revoke(id, 'editor'),
}

async function post(replicas: Replicas, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<void> {
  const { status, text } = await replicas.send({ method: 'POST', path, body, headers }, { address, replica: 0 })
  if (status >= 300) throw new Error(`${path}: ${status} ${text}`)
}

async function isAccepted(replicas: Replicas, { shown }: Person, way: Way, replica: number): Promise<boolean> {
  const reply: Reply = await replicas.send({ path: '/auth/me', headers: shown[way] }, { address, replica })
  return reply.status === 200 && (reply.json() as { data: { roles: string[] } }).data.roles.includes('editor')
}

/** Often enough that both have it in their memory. */
async function warm(replicas: Replicas, person: Person): Promise<void> {
  for (const way of ways) for (const replica of [0, 1]) await until(() => isAccepted(replicas, person, way, replica))
}

/** When, after the end, the last request began that the other process accepted. One that refuses may accept again, from an older copy. */
async function lastAccepted(replicas: Replicas, person: Person, way: Way): Promise<number> {
  const end = performance.now()
  let last = 0
  for (let began = 0; began < watchedMs; began = performance.now() - end) {
    if (await isAccepted(replicas, person, way, 1)) last = began
    await sleep(10)
  }
  return last
}

/** @returns what was accepted too late, a sentence each, and the latest */
async function late(
  replicas: Replicas,
  name: string,
  breaks: () => Promise<unknown>,
  which = Object.keys(ends),
): Promise<{ found: string[]; latest: number }> {
  const people = await Promise.all(
    which.map(async (end) => [end, await signedIn(replicas, `${end}-${name}@example.com`.replaceAll(' ', '-'))] as const),
  )
  for (const [, person] of people) await warm(replicas, person)
  await breaks()
  const found: string[] = []
  let latest = 0
  const check = async ([end, person]: (typeof people)[number]): Promise<void> => {
    await ends[end]?.(replicas, person)
    for (const way of ways) if (await isAccepted(replicas, person, way, 0)) found.push(`${end}: the next request by ${way}`)
    await Promise.all(
      ways.map(async (way) => {
        const last = await lastAccepted(replicas, person, way)
        latest = Math.max(latest, last)
        if (last > promiseMs) found.push(`${end}: by ${way} in another process after ${Math.round(last)} ms`)
      }),
    )
  }
  await Promise.all(people.map(check))
  return { found, latest }
}

async function started(redis?: RedisServer): Promise<Replicas> {
  const replicas = await startReplicas(redis === undefined ? {} : { REDIS_URL: redis.url })
  onTestFinished(() => replicas.close())
  await until(() => redis === undefined || replicas.apps.every((app) => app.redis?.usable))
  return replicas
}

async function redisServer(): Promise<RedisServer> {
  const redis = await startRedis()
  onTestFinished(() => redis.destroy())
  return redis
}

const breaks: Readonly<Record<string, (redis: RedisServer) => Promise<unknown>>> = {
  dies: (redis) => redis.stop(),
  freezes: async (redis) => redis.signal('SIGSTOP'),
  'is emptied': (redis) => redis.command('FLUSHALL'),
  'is there': async () => {},
}
const tried = Object.keys(breaks).slice(0, isLong ? undefined : 1)

describe.skipIf(!hasRedis())('S2: with a Redis that', () => {
  test.each(tried)('%s, what was ended is over for the next request, and within a second elsewhere', async (how) => {
    const redis = await redisServer()
    const { found, latest } = await late(await started(redis), how, async () => breaks[how]?.(redis))
    report(
      `S2: Redis ${how}: ${Object.keys(ends).length} ways to end a session, a token or a role; the last that was accepted began ${Math.round(latest)} ms after the end`,
    )
    expect(found).toEqual([])
  })
})

test.skipIf(!isLong)('S2: the same without Redis', async () => {
  expect((await late(await started(), 'without', async () => {})).found).toEqual([])
})

test('S2: a process that believes for longer is found, also when it refuses every other time', async () => {
  const replicas = await started()
  const { signedIn: believed } = replicas.apps[1].auth ?? expect.fail('There is no identity.')
  for (const name of ['bySession', 'byToken'] as const) {
    const ask = believed[name].bind(believed) as (shown: string) => Promise<never>
    const kept = new Map<string, Promise<never>>()
    let asked = 0
    believed[name] = (shown: string) => {
      const old = kept.get(shown)
      if (old === undefined) kept.set(shown, ask(shown))
      return old === undefined || (asked += 1) % 2 === 1 ? ask(shown) : old
    }
  }
  const which = isLong ? Object.keys(ends) : ['sign-out everywhere', 'disabling']
  const { found } = await late(replicas, 'control', async () => {}, which)
  expect(found.filter((what) => what.includes('in another process')).length).toBeGreaterThanOrEqual(which.length)
})
