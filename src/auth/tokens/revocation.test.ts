// Guarantee S2: a token ends with its session, in every process, also where it was verified before.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AuthBed, authBed } from '../../../test/support/auth-bed.ts'
import { refusal, signedIn, tokenProcess, type TokenProcess } from '../../../test/support/auth-tokens.ts'
import { testDatabases } from '../../../test/support/postgres.ts'
import { type RedisServer, startRedis } from '../../../test/support/redis-server.ts'

/** From the end of a session to the last process that knows it. */
const promiseMs = 1_000

describe.each(
  testDatabases().flatMap(({ name, url }) => [
    { name, url, with: 'with' },
    { name, url, with: 'without' },
  ]),
)('on $name $with Redis', ({ url, with: withRedis }) => {
  let bed: AuthBed
  let redis: RedisServer | undefined
  let one: TokenProcess
  let other: TokenProcess

  beforeAll(async () => {
    bed = await authBed(url)
    redis = withRedis === 'with' ? await startRedis({}) : undefined
    const options = redis === undefined ? {} : { redisUrl: redis.url }
    ;[one, other] = [await tokenProcess(bed, options), await tokenProcess(bed, options)]
  })
  afterAll(async () => {
    await bed.close()
    await redis?.destroy()
  })

  /** Verified so often that both processes have it in their memory. */
  async function warmToken(user: string): Promise<{ token: string; session: string }> {
    const made = await signedIn(one, user)
    for (let time = 0; time < 3; time += 1) {
      for (const { tokens } of [one, other]) expect(await refusal(tokens, made.token)).toBeUndefined()
      await sleep(20)
    }
    return made
  }

  async function endsEverywhere(token: string): Promise<void> {
    const reason = 'belongs to a session that is over'
    expect(await refusal(one.tokens, token)).toBe(reason)
    const start = performance.now()
    while ((await refusal(other.tokens, token)) === undefined && performance.now() - start < 5_000) await sleep(5)
    expect(await refusal(other.tokens, token)).toBe(reason)
    expect(performance.now() - start).toBeLessThan(promiseMs)
  }

  test('with one session of a user that token ends, and no other', async () => {
    const [ended, kept] = [await warmToken('ann'), await warmToken('ann')]
    expect(await one.sessions.deleteHandle('bob', ended.session)).toBe(false)
    expect(await one.sessions.deleteHandle('ann', ended.session)).toBe(true)
    await endsEverywhere(ended.token)
    for (const { tokens } of [one, other]) expect(await refusal(tokens, kept.token)).toBeUndefined()
  })

  test('with all sessions of a user all tokens end', async () => {
    const made = [await warmToken('cid'), await warmToken('cid')]
    expect(await one.sessions.deleteAllOf('cid')).toBe(2)
    for (const { token } of made) await endsEverywhere(token)
  })
})

test('a token for the session of somebody else is refused', async () => {
  const bed = await authBed()
  try {
    const one = await tokenProcess(bed)
    const { session } = await one.sessions.create({ user: 'ann' })
    const { token } = await one.tokens.issue({ user: 'bob', session: session.handle })
    expect(await refusal(one.tokens, token)).toBe('belongs to the session of somebody else')
  } finally {
    await bed.close()
  }
})
