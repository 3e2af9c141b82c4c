// The control of O1: whatever the watcher is to find, it finds when somebody logs it.

import { expect, test } from 'vitest'
import { createLog, silentLog } from '../../src/core/log.ts'
import { Browser, browserOf, identityApp, newUser, password, tokensOf } from './identity-app.ts'
import { testDatabase } from './postgres.ts'
import { takeLeaks, watchOutput } from './watched-logs.ts'

test('a secret is seen in a line of any level, also of a logger that writes nothing', async () => {
  const app = await identityApp(testDatabase().url)
  try {
    const browser = await browserOf(app, 'ann@example.com')
    await browser.signIn('ann@example.com')
    const { key } = (await browser.send('POST', '/auth/keys', { name: 'x' })).body.data
    const tokens = await tokensOf(app, 'ann@example.com')
    const [row] = await app.app.db.query<{ password: string }>('select password from plinth.credentials')
    const secrets = [
      password,
      browser.cookies.get('session'),
      browser.cookies.get('device'),
      tokens.access_token,
      tokens.refresh_token,
      key,
      row?.password,
      `https://shop.example/reset-password#token=${'x'.repeat(43)}`,
      '4111 1111 1111 1111',
      'canary-7391',
    ]
    takeLeaks()
    for (const secret of secrets)
      for (const log of [app.app.log, silentLog(), silentLog().child({ part: 'x' })]) {
        log.trace(`somebody said ${secret}`)
        expect(takeLeaks().leaks, secret).toHaveLength(1)
        log.info({ note: { deep: [secret] } }, 'x')
        expect(takeLeaks().leaks, secret).toHaveLength(1)
      }
    app.app.log.debug('a line without secrets')
    expect(takeLeaks()).toEqual({ leaks: [], lines: 1 })
  } finally {
    await app.close()
  }
})

test('requests are logged to the watcher, down to what only a trace says', async () => {
  const app = await identityApp(testDatabase().url)
  try {
    await newUser(app, 'ann@example.com')
    takeLeaks()
    await new Browser(app).signIn('ann@example.com', 'no word of ours')
    expect(takeLeaks().lines).toBeGreaterThan(1)
  } finally {
    await app.close()
  }
})

test('a logger writes what it would write without the watcher, and says the level it was given', () => {
  const lines: string[] = []
  const log = createLog({ level: 'warn', stream: { write: (line: string) => void lines.push(line) } })
  const child = log.child({ part: 'child' }, { level: 'error' })
  log.info('not written')
  log.warn('written')
  child.warn('not written')
  child.error('written, too')
  log.level = 'silent'
  log.fatal('not written')
  expect([log.level, child.level]).toEqual(['silent', 'error'])
  log.level = 'debug'
  log.debug('written in the end')
  expect(lines.map((line) => (JSON.parse(line) as { message: string }).message)).toEqual(['written', 'written, too', 'written in the end'])
})

test('of what another process prints its lines of log are watched', () => {
  takeLeaks()
  watchOutput('port 80\n{"level":"info","message":"a correct horse"}\na link with a correct horse, for a person\n')
  expect(takeLeaks()).toMatchObject({ leaks: [{ secret: 'correct horse' }], lines: 1 })
})
