import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { configurationTable } from './config-table.ts'
import type { Config } from './config.ts'
import { readConfig } from './env.ts'

const goodSecrets = {
  SECRET_KEY: 'Zr8vT1mQ0aXw5LpK3nHs7BfYc2Jd6Gu9Ei4Rt0Wz1Qx',
  JWT_SECRET_KEY: 'q7Nf2Kx9Vb4Ls8Td1Rm6Wy3Hc5Zg0PjAu7Ee2Io4Xk9',
}
const production = { APP_ENV: 'production', DATABASE_URL: 'postgresql://shop:k3nHs7BfYc2J@db.internal:5432/shop', ...goodSecrets }

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'plinth-env-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function read(env: Record<string, string>): Config {
  return readConfig(env, root)
}

function mistakes(env: Record<string, string>): string {
  try {
    readConfig(env, root)
  } catch (error) {
    expect(error).toMatchObject({ code: 'CORE_INVALID_CONFIG' })
    return (error as Error).message
  }
  throw new Error('The configuration was accepted.')
}

describe('with nothing set', () => {
  test('development has a cache in the process, the embedded database and ports of its own', () => {
    const config = read({})
    expect(config).toMatchObject({
      env: 'development',
      debug: false,
      api: { host: '127.0.0.1', port: 8080 },
      frontend: { port: 8000 },
      console: { port: 5050 },
    })
    expect(config.database.url).toBeUndefined()
    expect(config.redis).toBeUndefined()
    expect(config.cors).toEqual({ origins: [], credentials: false })
  })

  test('development keeps the secrets it made, readable by nobody else', () => {
    const first = read({})
    expect(read({}).secrets).toEqual(first.secrets)
    const file = join(root, '.plinth', 'secrets.json')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).toContain(first.secrets.secretKey)
  })

  test('a damaged file of secrets is replaced', () => {
    read({})
    writeFileSync(join(root, '.plinth', 'secrets.json'), '{"secretKey":')
    expect(read({}).secrets).toEqual(read({}).secrets)
  })

  test('testing makes new secrets each time and writes no file', () => {
    expect(read({ APP_ENV: 'testing' }).secrets).not.toEqual(read({ APP_ENV: 'testing' }).secrets)
    expect(() => statSync(join(root, '.plinth'))).toThrow('ENOENT')
  })
})

describe('the environment', () => {
  test('is taken from NODE_ENV when APP_ENV is not set, and test means testing', () => {
    expect(read({ NODE_ENV: 'test' }).env).toBe('testing')
    expect(read({ NODE_ENV: 'test', APP_ENV: 'development' }).env).toBe('development')
  })

  test('a NODE_ENV that is not known is held to the rules of production', () => {
    expect(mistakes({ NODE_ENV: 'staging' })).toContain('SECRET_KEY is missing')
  })

  test('an APP_ENV that is not known is refused by name, without mistakes that follow from it', () => {
    expect(mistakes({ APP_ENV: 'prodution' })).toMatch(
      /has a mistake:\n  - APP_ENV must be one of development, testing, production, not "prodution"$/,
    )
  })
})

describe('the database', () => {
  test.each([
    [{ DATABASE_URL: 'postgres://a:b@h:1/n' }, 'postgres://a:b@h:1/n'],
    [{ POSTGRES_DB: 'shop', POSTGRES_USER: 'ann', POSTGRES_PASSWORD: 'p@ss/w' }, 'postgresql://ann:p%40ss%2Fw@localhost:5432/shop'],
    [{ DB_HOST: 'db', DB_PORT: '5433', DB_NAME: 'shop', DB_USER: 'ann', DB_PASSWORD: 'x' }, 'postgresql://ann:x@db:5433/shop'],
    [{ DB_HOST: '/var/run/postgresql', DB_NAME: 'shop', DB_USER: 'ann' }, 'postgresql://ann@/shop?host=%2Fvar%2Frun%2Fpostgresql'],
    [{ POSTGRES_HOST: 'db', DB_NAME: 'shop' }, 'postgresql://postgres@db:5432/shop'],
    [{ DATABASE_URL: 'postgresql://ann:x@db/shop', POSTGRES_DB: 'shop', POSTGRES_PASSWORD: 'x' }, 'postgresql://ann:x@db/shop'],
  ])('%j means %s', (env, url) => {
    expect(read(env).database.url).toBe(url)
  })

  test('given twice with different values is refused, and no password is shown', () => {
    const message = mistakes({
      DATABASE_URL: 'postgresql://ann:canary1@db/shop',
      POSTGRES_DB: 'other',
      DB_PASSWORD: 'canary2',
      DB_HOST: 'one',
      POSTGRES_HOST: 'two',
    })
    expect(message).toContain('DB_HOST and POSTGRES_HOST are set to different values')
    expect(message).toContain('DATABASE_URL and DB_* or POSTGRES_* do not have the same name')
    expect(message).toContain('do not have the same password')
    expect(message).not.toMatch(/canary/)
  })

  test('Redis is a URL or parts, and both must agree', () => {
    expect(read({ REDIS_HOST: 'cache' }).redis).toEqual({ url: 'redis://cache:6379', budgetMs: 50 })
    expect(read({ REDIS_URL: 'rediss://:x@cache:6380/1', REDIS_PORT: '6380' }).redis?.url).toBe('rediss://:x@cache:6380/1')
    expect(read({ REDIS_URL: 'redis://cache', REDIS_PASSWORD: 'p@ss', REDIS_BUDGET: '20ms' }).redis).toEqual({
      url: 'redis://:p%40ss@cache',
      budgetMs: 20,
    })
    expect(mistakes({ REDIS_URL: 'redis://:one@cache', REDIS_PASSWORD: 'two' })).toContain(
      'REDIS_PASSWORD and REDIS_URL have different passwords',
    )
    expect(mistakes({ REDIS_URL: 'redis://cache', REDIS_HOST: 'other' })).toContain('REDIS_HOST and REDIS_URL name different hosts')
    expect(mistakes({ REDIS_URL: 'http://cache' })).toContain('REDIS_URL must be a URL such as redis://host:6379')
  })
})

describe('values', () => {
  test('sizes and times are read with their units', () => {
    const { limits } = read({ BODY_LIMIT: '256KB', HANDLER_TIMEOUT: '1.5s', DRAIN_TIME: '0' })
    expect(limits).toMatchObject({ bodyBytes: 262_144, handlerTimeoutMs: 1_500, drainMs: 0 })
  })

  test('all mistakes are listed at once with the names of their variables', () => {
    const message = mistakes({
      API_PORT: '99999',
      BODY_LIMIT: 'huge',
      DEBUG: 'maybe',
      LOG_LEVEL: 'loud',
      CORS_ORIGINS: 'app.example.com',
      TRUSTED_PROXIES: '10.0.0.0/64',
      REQUEST_TIMEOUT: '5',
      API_URL: 'example.com',
    })
    for (const name of ['API_PORT', 'BODY_LIMIT', 'DEBUG', 'LOG_LEVEL', 'CORS_ORIGINS', 'TRUSTED_PROXIES', 'REQUEST_TIMEOUT', 'API_URL'])
      expect(message).toContain(`  - ${name} `)
    expect(message).toContain('has 8 mistakes')
  })

  test('a URL with a password is not shown when it is wrong', () => {
    expect(mistakes({ DATABASE_URL: 'mysql://root:canary@db/shop' })).not.toContain('canary')
  })

  test('PORT is the port of the API, and may not contradict API_PORT', () => {
    expect(read({ PORT: '3000' }).api.port).toBe(3_000)
    expect(mistakes({ PORT: '3000', API_PORT: '4000' })).toContain('API_PORT and PORT')
  })

  test('an empty value counts as not set', () => {
    expect(read({ API_PORT: '', DATABASE_URL: '' })).toMatchObject({ api: { port: 8080 } })
  })

  test('an empty LOG_DIR says that there are no log files', () => {
    expect(read(production).log.directory).toMatch(/logs$/)
    expect(read({ ...production, LOG_DIR: '' }).log.directory).toBeUndefined()
  })

  test('time-outs that contradict each other are refused', () => {
    expect(mistakes({ HEADERS_TIMEOUT: '20s' })).toContain('HEADERS_TIMEOUT must not be longer than REQUEST_TIMEOUT')
    expect(mistakes({ URL_LIMIT: '32KB' })).toContain('URL_LIMIT must not be larger than HEADER_LIMIT')
  })

  test('localhost listens on one address', () => {
    expect(read({ API_HOST: 'localhost' }).api.host).toBe('127.0.0.1')
  })

  test('DEBUG lowers the log level that was not chosen', () => {
    expect(read({ DEBUG: 'true' }).log.level).toBe('debug')
    expect(read({ DEBUG: 'true', LOG_LEVEL: 'error' }).log.level).toBe('error')
  })

  test('the configuration cannot be changed afterwards', () => {
    expect(() => Object.assign(read({}).limits, { bodyBytes: 1 })).toThrow('read only')
  })
})

describe('.env', () => {
  test('is read, and the real environment wins', () => {
    writeFileSync(join(root, '.env'), 'API_PORT=1234\nFRONTEND_PORT=4321 # for the pages\n')
    const config = read({ API_PORT: '5678' })
    expect(config.api.port).toBe(5_678)
    expect(config.frontend.port).toBe(4_321)
  })

  test('yields to the real environment also when that says the same thing in another way', () => {
    writeFileSync(join(root, '.env'), 'POSTGRES_DB=shop\nPOSTGRES_PASSWORD=x\nAPI_PORT=1234\nREDIS_URL=redis://one\n')
    const config = read({ DATABASE_URL: 'postgresql://ci@db/test', PORT: '99', REDIS_HOST: 'two' })
    expect(config.database.url).toBe('postgresql://ci@db/test')
    expect(config.api.port).toBe(99)
    expect(config.redis?.url).toBe('redis://two:6379')
  })
})

describe('secrets in files', () => {
  test('every secret can be given as a file', () => {
    const write = (name: string, content: string) => {
      writeFileSync(join(root, name), content)
      return join(root, name)
    }
    const config = read({
      POSTGRES_DB: 'shop',
      POSTGRES_PASSWORD_FILE: write('password', 'from file\n'),
      REDIS_URL_FILE: write('redis', 'redis://cache'),
      SECRET_KEY_FILE: write('key', goodSecrets.SECRET_KEY),
      JWT_SECRET_KEY_FILE: write('jwt', `${goodSecrets.JWT_SECRET_KEY}\n`),
    })
    expect(config.database.url).toBe('postgresql://postgres:from%20file@localhost:5432/shop')
    expect(config.secrets).toEqual({ secretKey: goodSecrets.SECRET_KEY, jwtSecretKey: goodSecrets.JWT_SECRET_KEY })
    expect(config.redis?.url).toBe('redis://cache')
  })

  test('a file that is missing, empty or in conflict is named, its content is not', () => {
    writeFileSync(join(root, 'empty'), '')
    writeFileSync(join(root, 'other'), 'canary')
    const message = mistakes({
      SECRET_KEY_FILE: join(root, 'none'),
      JWT_SECRET_KEY_FILE: join(root, 'empty'),
      DB_PASSWORD: 'x',
      DB_PASSWORD_FILE: join(root, 'other'),
    })
    expect(message).toMatch(/SECRET_KEY_FILE names a file that cannot be read \(ENOENT\)/)
    expect(message).toContain('JWT_SECRET_KEY_FILE names an empty file')
    expect(message).toContain('DB_PASSWORD and DB_PASSWORD_FILE are set to different values')
    expect(message).not.toContain('canary')
  })
})

describe('misspelt names', () => {
  test('are pointed out with the nearest right one', () => {
    expect(read({ DATABSE_URL: 'x', CORS_ORIGIN: 'y', SECRET_KEY_FIL: 'z' }).warnings).toEqual([
      'DATABSE_URL is not a variable Plinth knows. Perhaps you meant DATABASE_URL.',
      'CORS_ORIGIN is not a variable Plinth knows. Perhaps you meant CORS_ORIGINS.',
    ])
  })

  test('names of other programs are left alone', () => {
    expect(
      read({
        PATH: '/bin',
        HOME: '/root',
        USER: 'root',
        HOSTNAME: 'box',
        LANG: 'C',
        npm_config_registry: 'x',
        PGHOST: 'h',
        API_KEY: 'k',
        DB_URL: 'u',
      }).warnings,
    ).toEqual([])
  })
})

describe('O2: an unsafe configuration refuses to start in production', () => {
  test('control: the safe one starts', () => {
    expect(read(production).env).toBe('production')
  })

  test.each<[string, Record<string, string>, string]>([
    ['a missing secret', { SECRET_KEY: '' }, 'SECRET_KEY is missing'],
    ['a missing token secret', { JWT_SECRET_KEY: '' }, 'JWT_SECRET_KEY is missing'],
    ['a short secret', { SECRET_KEY: 'aB3$xY9!' }, 'SECRET_KEY is too short'],
    ['a repeated secret', { SECRET_KEY: 'ab1'.repeat(20) }, 'SECRET_KEY is too regular'],
    ['one letter', { SECRET_KEY: 'a'.repeat(64) }, 'SECRET_KEY is too regular'],
    ['a placeholder', { SECRET_KEY: 'please-change-me-before-you-deploy-this-9x7' }, 'SECRET_KEY looks like a placeholder'],
    ['the word secret', { JWT_SECRET_KEY: 'my-super-secret-jwt-key-for-the-app-2024' }, 'JWT_SECRET_KEY looks like a placeholder'],
    ['one secret for both', { JWT_SECRET_KEY: goodSecrets.SECRET_KEY }, 'JWT_SECRET_KEY must differ from SECRET_KEY'],
    ['DEBUG', { DEBUG: 'true' }, 'DEBUG must not be true'],
    ['credentials for every origin', { CORS_ORIGINS: '*', CORS_CREDENTIALS: 'true' }, 'CORS_CREDENTIALS=true needs exact CORS_ORIGINS'],
    ['the null origin', { CORS_ORIGINS: 'null' }, 'CORS_ORIGINS must list exact origins'],
    ['every proxy', { TRUSTED_PROXIES: '*' }, 'TRUSTED_PROXIES'],
    ['the embedded database', { DATABASE_URL: '' }, 'DATABASE_URL is missing'],
    [
      'a password that everybody tries',
      { DATABASE_URL: 'postgresql://postgres:postgres@db/shop' },
      'has a password that everybody tries first',
    ],
  ])('%s', (_name, change, mistake) => {
    const message = mistakes({ ...production, ...change })
    expect(message).toContain(mistake)
    for (const value of Object.values(change)) if (value.length > 20) expect(message).not.toContain(value)
  })

  test('control: each of these is accepted in development, except what is wrong everywhere', () => {
    expect(
      read({ SECRET_KEY: 'short', JWT_SECRET_KEY: 'short', DEBUG: 'true', DATABASE_URL: 'postgresql://postgres:postgres@db/shop' }).debug,
    ).toBe(true)
  })

  test('the mistake about a secret has the command that makes one', () => {
    expect(mistakes({ ...production, SECRET_KEY: '' })).toContain("randomBytes(32).toString('base64url')")
  })

  test('what that command makes is accepted, a thousand times', async () => {
    const { randomBytes } = await import('node:crypto')
    const { secretProblem } = await import('./secret-strength.ts')
    const made = Array.from({ length: 1_000 }, (_, index) => randomBytes(32).toString(index % 2 === 0 ? 'base64url' : 'hex'))
    expect(made.map(secretProblem).filter((problem) => problem !== undefined)).toEqual([])
  })

  test('the embedded database is allowed when production is told so', () => {
    expect(read({ ...production, DATABASE_URL: '', PLINTH_EMBEDDED: 'allow' }).database.url).toBeUndefined()
  })
})

test('the reference table has every variable with a description, and no default for a secret', () => {
  const table = configurationTable()
  expect(table.length).toBeGreaterThan(50)
  for (const row of table) {
    expect(row.description.length, row.name).toBeGreaterThan(10)
    if (row.secret) expect(row.default, row.name).toBe('')
  }
  expect(table.find((row) => row.name === 'LOG_DIR')?.default).toBe('production: logs')
})
