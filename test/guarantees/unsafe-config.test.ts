// O2: an application that is configured unsafely for production does not start. The real program is started with each mistake
// of the list, and must end with a code other than 0 and one clear line about the variable, without showing a secret.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scratchDatabase, type ScratchDatabase } from '../support/postgres.ts'

const root = join(import.meta.dirname, '../..')
const strong = 'kR7vQ2mZ9xT4bN8cW3jL6hY1pD5sF0gA'
const other = 'uE4iO8aS2dF6gH0jK3lZ7xC1vB5nM9qW'

let database: ScratchDatabase
beforeAll(async () => {
  database = await scratchDatabase()
})
afterAll(() => database.drop())

interface Outcome {
  readonly code: number | null
  readonly text: string
}

/** Starts the items example in production; what is not set here is set safely. */
async function start(changes: Readonly<Record<string, string | undefined>>): Promise<Outcome> {
  const safe = {
    APP_ENV: 'production',
    DATABASE_URL: database.url,
    SECRET_KEY: strong,
    JWT_SECRET_KEY: other,
    API_PORT: '0',
    API_HOST: '127.0.0.1',
  }
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, [join(root, 'bin/plinth.js'), 'start', 'api'], {
    cwd: join(root, 'examples/items'),
    env: { PATH, HOME, ...safe, ...changes },
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      // It has started, although it should not: that is an outcome too.
      if (text.includes('"listening"')) child.kill('SIGTERM')
    })
  }
  const late = setTimeout(() => child.kill('SIGKILL'), 25_000)
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(late)
  return { code, text }
}

describe('O2: unsafe settings', () => {
  test.each<[string, Readonly<Record<string, string | undefined>>, RegExp]>([
    ['no secret', { SECRET_KEY: undefined }, /SECRET_KEY/],
    ['no secret for tokens', { JWT_SECRET_KEY: undefined }, /JWT_SECRET_KEY/],
    ['a short secret', { SECRET_KEY: 'aB3$xY9' }, /SECRET_KEY/],
    ['a secret of one letter', { SECRET_KEY: 'a'.repeat(40) }, /SECRET_KEY/],
    ['a secret out of a manual', { JWT_SECRET_KEY: 'change-me-change-me-change-me-please' }, /JWT_SECRET_KEY/],
    ['debugging', { DEBUG: 'true' }, /DEBUG/],
    ['the embedded database', { DATABASE_URL: undefined }, /DATABASE_URL/],
    ['any origin with credentials', { CORS_ORIGINS: '*', CORS_CREDENTIALS: 'true' }, /CORS/],
    ['one secret for both', { JWT_SECRET_KEY: strong }, /JWT_SECRET_KEY/],
    ['a password that everybody tries first', { DATABASE_URL: 'postgresql://shop:postgres@127.0.0.1:1/shop' }, /DATABASE_URL/],
    ['every proxy in the world', { TRUSTED_PROXIES: '*' }, /TRUSTED_PROXIES/],
    ['the null origin', { CORS_ORIGINS: 'null' }, /CORS_ORIGINS/],
    ['a port that is none', { API_PORT: 'eighty' }, /API_PORT/],
    ['an environment that is none', { APP_ENV: 'prodution' }, /APP_ENV/],
    ['a limit that is none', { BODY_LIMIT: 'much' }, /BODY_LIMIT/],
    ['a reader that is none', { DB_READER: 'fast' }, /DB_READER/],
  ])('%s ends the start with one clear line', { timeout: 40_000 }, async (_what, changes, line) => {
    const { code, text } = await start(changes)
    expect(code).toBe(1)
    expect(text.split('\n').filter((found) => line.test(found))).toHaveLength(1)
    expect(text).not.toMatch(/\n\s+at /)
    for (const secret of [strong, other, changes['SECRET_KEY'], changes['JWT_SECRET_KEY']])
      if (secret !== undefined) expect(text).not.toContain(secret)
  })

  test('several mistakes are all told at once', { timeout: 40_000 }, async () => {
    const { text } = await start({ SECRET_KEY: undefined, DEBUG: 'true', API_PORT: 'eighty' })
    for (const name of ['SECRET_KEY', 'DEBUG', 'API_PORT']) expect(text).toContain(name)
  })

  test('control: the same program with safe settings starts and ends when it is told to', { timeout: 40_000 }, async () => {
    expect(await start({})).toMatchObject({ code: 0, text: expect.stringContaining('"listening"') as string })
  })
})
