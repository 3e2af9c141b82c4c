import { Writable } from 'node:stream'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { anonymousCaller } from './caller.ts'
import { runInContext } from './context.ts'
import { readConfig } from './env.ts'
import { createLog, openLog } from './log.ts'
import { openLogStream } from './log-stream.ts'

function capture() {
  const raw: string[] = []
  const log = createLog({ level: 'debug', stream: { write: (line) => void raw.push(line) } })
  return { log, raw, last: () => JSON.parse(raw.at(-1) ?? '{}') as Record<string, unknown> }
}

test('the time is in UTC, to the millisecond', () => {
  const { log, last } = capture()
  for (const time of ['2026-01-02T03:04:05.006Z', '2026-01-02T03:04:05.078Z', '2026-01-02T03:04:06.910Z']) {
    vi.useFakeTimers({ now: new Date(time), toFake: ['Date'] })
    log.info('x')
    expect(last().time).toBe(time)
  }
  vi.useRealTimers()
})

test('a line inside a request carries its id without being told', () => {
  const { log, last } = capture()
  runInContext({ requestId: 'r-1', startedAt: 0, deadline: 1, caller: anonymousCaller }, () => log.info({ rows: 3 }, 'read'))
  expect(last()).toMatchObject({ level: 'info', requestId: 'r-1', rows: 3, message: 'read' })
  log.info('outside')
  expect(last()).not.toHaveProperty('requestId')
})

describe('secrets', () => {
  test.each([
    'authorization',
    'Authorization',
    'proxy-authorization',
    'cookie',
    'set-cookie',
    'password',
    'user_password',
    'passwd',
    'token',
    'accessToken',
    'refresh_token',
    'secret',
    'SECRET_KEY',
    'api_key',
    'apiKey',
    'x-api-key',
    'private_key',
    'DATABASE_URL',
    'databaseUrl',
    'otp',
    'csrf',
  ])('the field %s is hidden at any depth', (name) => {
    const { log, raw } = capture()
    log.info({ [name]: 'canary', deep: { list: [{ [name]: 'canary' }] } }, 'x')
    log.child({ [name]: 'canary' }).info('y')
    expect(raw.join('')).not.toContain('canary')
    expect(raw.join('')).toContain('[hidden]')
  })

  test.each(['name', 'key', 'primary_key', 'primaryKey', 'cache_key', 'monkey', 'keyboard', 'status'])(
    'control: the field %s is shown',
    (name) => {
      const { log, raw } = capture()
      log.info({ [name]: 'visible' }, 'x')
      expect(raw.join('')).toContain('visible')
    },
  )

  test('passwords in URLs and secrets in query strings are hidden in fields, messages and errors', () => {
    const { log, raw } = capture()
    log.info(
      { url: '/reset?token=canary&page=2', target: 'postgresql://ann:canary@db/shop' },
      'GET https://u:canary@host/?api_key=canary&code=canary',
    )
    log.error({ err: new Error('connect to redis://:canary@cache failed', { cause: new Error('at amqp://u:canary@mq') }) }, 'x')
    expect(raw.join('')).not.toContain('canary')
    expect(raw.join('')).toContain('page=2')
    expect(raw.join('')).toContain('ann:[hidden]@db')
  })

  test.each([true, false])('known values are hidden wherever they come from (pretty: %s)', (pretty) => {
    const { out, text } = sink()
    const stream = openLogStream({ level: 'info', pretty, fileBytes: 1, files: 1 }, 'api', ['s3cr3t"value'], out)
    createLog({ level: 'info', stream }).info({ note: 'it is s3cr3t"value', err: new Error('s3cr3t"value') }, 's3cr3t"value')
    stream.close()
    expect(text()).toContain('it is [hidden]')
    expect(text()).not.toContain('s3cr3t')
  })

  test('what is logged is not changed by hiding', () => {
    const { log } = capture()
    const fields = { password: 'x', list: [{ token: 'y' }] }
    log.info(fields, 'x')
    expect(fields).toEqual({ password: 'x', list: [{ token: 'y' }] })
  })
})

describe('errors', () => {
  test('are written with their causes, their codes and where they came from', () => {
    const { log, last } = capture()
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', port: 5432 })
    log.error({ err: new TypeError('no database', { cause: refused }) }, 'failed')
    expect(last().err).toMatchObject({
      type: 'TypeError',
      message: 'no database',
      stack: expect.stringContaining('log.test.ts') as string,
      cause: { code: 'ECONNREFUSED', port: 5432 },
    })
  })

  test('that contain themselves, or are not errors, are written too', () => {
    const { log, last } = capture()
    const circular: Error & { cause?: unknown } = new Error('again')
    circular.cause = circular
    log.error({ err: circular }, 'x')
    expect(JSON.stringify(last()).length).toBeLessThan(20_000)
    log.error({ err: { password: 'canary', reason: 'odd' } }, 'x')
    expect(last().err).toEqual({ password: '[hidden]', reason: 'odd' })
    log.error({ err: new AggregateError([new Error('one'), new Error('two')]) }, 'x')
    expect(last().err).toMatchObject({ errors: [{ message: 'one' }, { message: 'two' }] })
  })

  test("keep PostgreSQL's name of the constraint and leave out the values of the row", () => {
    const { log, raw } = capture()
    log.error(
      {
        err: Object.assign(new Error('duplicate key'), {
          code: '23505',
          constraint: 'users_email',
          detail: 'Key (email)=(canary@example.com) already exists.',
        }),
      },
      'x',
    )
    expect(raw.join('')).toContain('users_email')
    expect(raw.join('')).not.toContain('canary')
  })
})

test('many logs on one output listen to its errors once', () => {
  const { out } = sink()
  for (let i = 0; i < 20; i++) openLogStream({ level: 'info', pretty: false, fileBytes: 1, files: 1 }, 'api', [], out).close()
  expect(out.listenerCount('error')).toBe(1)
})

describe('control characters', () => {
  const evil = 'a\u001b[31m\r\nb\u009b2J\u007f'

  test('cannot reach a log file', async () => {
    const { out, text } = sink()
    const stream = openLogStream({ level: 'info', pretty: false, fileBytes: 1, files: 1 }, 'api', [], out)
    createLog({ level: 'info', stream }).info({ name: evil }, evil)
    stream.close()
    expect(text().trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
    expect(JSON.parse(text())).toMatchObject({ name: evil, message: evil })
  })

  test('cannot reach a terminal', () => {
    const { out, text } = sink()
    const stream = openLogStream({ level: 'info', pretty: true, fileBytes: 1, files: 1 }, 'api', [], out)
    createLog({ level: 'info', stream }).info({ name: evil, requestId: 'r-1' }, evil)
    expect(text()).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
    expect(text()).toContain('INFO')
    expect(text()).toContain('r-1')
  })
})

test('in development what happens is one line, with its fields', () => {
  const { out, text } = sink()
  const stream = openLogStream({ level: 'info', pretty: true, fileBytes: 1, files: 1 }, 'api', [], out)
  createLog({ level: 'info', stream }).info({ method: 'GET', status: 200 }, 'request')
  expect(text()).toMatch(/^\[.*\] INFO: request \{"method":"GET","status":200\}\n$/)
})

describe('lines held back', () => {
  afterEach(() => {
    process.exitCode = undefined
  })

  test('are written together after a moment', async () => {
    const { out, text, writes } = sink()
    const stream = openLogStream({ level: 'info', pretty: false, fileBytes: 1, files: 1 }, 'api', [], out)
    for (let line = 0; line < 100; line += 1) stream.write(`{"line":${line}}\n`)
    expect(text()).toBe('')
    await expect.poll(text).toContain('"line":99')
    expect(writes()).toBe(1)
    stream.close()
  })

  test('are written when the logger is told to flush', () => {
    const { out, text } = sink()
    const stream = openLogStream({ level: 'info', pretty: false, fileBytes: 1, files: 1 }, 'api', [], out)
    const log = createLog({ level: 'info', stream })
    log.info('one')
    expect(text()).toBe('')
    log.flush()
    expect(text()).toContain('"message":"one"')
    stream.close()
  })

  test('are written by a flush, and when the stream is closed', () => {
    const { out, text } = sink()
    const stream = openLogStream({ level: 'info', pretty: false, fileBytes: 1, files: 1 }, 'api', [], out)
    stream.write('one\n')
    stream.flushSync()
    expect(text()).toBe('one\n')
    stream.write('two\n')
    stream.close()
    expect(text()).toBe('one\ntwo\n')
  })
})

test('the log of a process hides the secrets of its configuration', () => {
  const config = readConfig(
    { APP_ENV: 'testing', LOG_LEVEL: 'info', DATABASE_URL: 'postgresql://ann:c4n%40ry-password@db/shop' },
    '/nonexistent',
  )
  const { log, stream } = openLog(config, 'test')
  const written: string[] = []
  const write = process.stdout.write.bind(process.stdout)
  process.stdout.write = (chunk: string | Uint8Array) => written.push(String(chunk)) > 0
  try {
    log.info({ a: config.secrets.secretKey, b: 'c4n@ry-password', c: 'c4n%40ry-password' }, 'x')
    stream.flushSync()
  } finally {
    process.stdout.write = write
    stream.close()
  }
  expect(written.join('')).toContain('"a":"[hidden]","b":"[hidden]","c":"[hidden]"')
})

function sink() {
  const chunks: string[] = []
  const out = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      chunks.push(chunk)
      done()
    },
  })
  return { out, text: () => chunks.join(''), writes: () => chunks.length }
}
