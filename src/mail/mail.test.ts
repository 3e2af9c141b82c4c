import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../test/support/redis.ts'
import { smtpServer } from '../../test/support/smtp-server.ts'
import { readConfig } from '../core/env.ts'
import { createLog } from '../core/log.ts'
import { createMailer, type Mailer } from './mailer.ts'
import { composeMail } from './message.ts'
import { Outbox } from './outbox.ts'
import { smtpTransport } from './smtp.ts'

const mail = { to: 'ann@example.com', subject: 'Hello', paragraphs: ['One.'] }

function testLog() {
  const lines: string[] = []
  const write = (line: string): void => void lines.push((JSON.parse(line) as { message: string }).message)
  return { lines, log: createLog({ level: 'info', stream: { write } }) }
}

function mailerWith(environment: Record<string, string>): { readonly mailer: Mailer; readonly lines: string[] } {
  const { log, lines } = testLog()
  const { mailer, close } = createMailer(readConfig({ APP_ENV: 'testing', ...environment }, '/nowhere'), log)
  onTestFinished(close)
  return { mailer, lines }
}

test('a mail says the same as text and as HTML, and nothing in it becomes markup or another header', () => {
  const composed = composeMail({
    to: 'ann@example.com',
    subject: 'Hello\r\nBcc: all@example.com',
    paragraphs: ['Dear <b>Ann</b>,'],
    link: { label: 'Open "it"', url: 'https://shop.example/?a=1&b="2"' },
    closing: 'Bye',
  })
  expect(composed.subject).toBe('Hello Bcc: all@example.com')
  expect(composed.text).toBe('Dear <b>Ann</b>,\n\nOpen "it":\nhttps://shop.example/?a=1&b="2"\n\nBye\n')
  expect(composed.html).toContain('<p>Dear &#60;b&#62;Ann&#60;/b&#62;,</p>')
  expect(composed.html).toContain('href="https://shop.example/?a=1&#38;b=&#34;2&#34;"')
})

test('a mail goes to the server that MAIL_URL names, from MAIL_FROM', async () => {
  const server = await smtpServer()
  const { mailer } = mailerWith({ MAIL_URL: server.url, MAIL_FROM: 'Shop <no-reply@shop.example>' })
  mailer.send({ ...mail, subject: 'Zürich' })
  await until(() => server.mails.length === 1)
  expect(server.mails[0]).toMatch(/^From: Shop <no-reply@shop\.example>$/m)
  expect(server.mails[0]).toMatch(/^To: ann@example\.com$/m)
  expect(server.mails[0]).toMatch(/^Subject: =\?UTF-8\?Q\?Z=C3=BCrich\?=$/m)
  expect(mailer.kept).toEqual([])
})

test('a server that takes nothing yet is asked again', async () => {
  const server = await smtpServer(2)
  const { log, lines } = testLog()
  const transport = smtpTransport(server.url, 'no-reply@shop.example')
  onTestFinished(() => transport.close())
  new Outbox({ transport, log, pausesMs: [5, 5, 5] }).send(composeMail(mail))
  await until(() => server.mails.length === 1)
  expect(lines).toEqual(['a mail could not be sent yet', 'a mail could not be sent yet'])
})

test('a mail that nobody takes is given up, and the log says so without saying what was in it', async () => {
  const { log, lines } = testLog()
  const outbox = new Outbox({ transport: () => Promise.reject(new Error('no')), log, pausesMs: [1] })
  outbox.send(composeMail({ ...mail, paragraphs: ['canary'] }))
  await until(() => outbox.size === 0)
  expect(lines).toEqual(['a mail could not be sent yet', 'a mail could not be sent'])
  expect(outbox.lost).toBe(1)
})

test('mails are sent without anybody waiting, and more than may wait are dropped', () => {
  const { log, lines } = testLog()
  const outbox = new Outbox({ transport: () => new Promise(() => undefined), log, most: 2 })
  for (let i = 0; i < 3; i += 1) outbox.send(composeMail(mail))
  expect([outbox.size, outbox.lost]).toEqual([2, 1])
  expect(lines).toEqual(['a mail was dropped: too many wait'])
})

test('the end of the process waits for mails on their way, and says which are lost', async () => {
  const { log, lines } = testLog()
  let deliver = (): void => undefined
  let calls = 0
  const transport = (): Promise<void> => (calls++ === 0 ? Promise.reject(new Error('no')) : new Promise((resolve) => (deliver = resolve)))
  const outbox = new Outbox({ transport, log, pausesMs: [60_000] })
  outbox.send(composeMail(mail))
  outbox.send(composeMail(mail))
  await until(() => lines.length === 1)
  let ended = false
  const stopped = outbox.close().then(() => (ended = true))
  await new Promise((resolve) => setImmediate(resolve))
  expect([ended, outbox.size]).toEqual([false, 1])
  deliver()
  await stopped
  expect([outbox.size, outbox.lost]).toEqual([0, 1])
  expect(lines).toEqual(['a mail could not be sent yet', 'mails were lost: the server had not taken them when the process ended'])
})

test('without a server mails are kept, the newest first and not without end', () => {
  const { mailer, lines } = mailerWith({})
  for (let i = 1; i <= 120; i += 1) mailer.send({ ...mail, subject: `number ${i}` })
  expect(mailer.kept).toHaveLength(100)
  expect(mailer.kept[0]).toMatchObject({ to: 'ann@example.com', subject: 'number 120' })
  expect(lines).toEqual([])
})

test('in development a mail that is kept is shown in the terminal, link and all', () => {
  const { mailer, lines } = mailerWith({ APP_ENV: 'development', SECRET_KEY: 'x', JWT_SECRET_KEY: 'y' })
  mailer.send({ ...mail, link: { label: 'Here', url: 'http://localhost:8080/verify-email#token=abc' } })
  expect(lines).toEqual(['mail to ann@example.com: Hello\n\nOne.\n\nHere:\nhttp://localhost:8080/verify-email#token=abc\n'])
})

const strong = { SECRET_KEY: 'uq8CmzT0b7kXeJw3Rn5VfYs1Lh9PgAd2', JWT_SECRET_KEY: 'Zt4Nk8Wq2Yv6Br0Mx3Hc7Jf1Ls5Gp9De' }
const production = { APP_ENV: 'production', DATABASE_URL: 'postgres://shop:Xr5kTq9w@db/shop', ...strong }

test('in production without a server no mail is kept, and the log says that none is sent', () => {
  const { mailer, lines } = mailerWith(production)
  mailer.send(mail)
  expect([mailer.kept, mailer.lost]).toEqual([[], 1])
  expect(lines).toEqual(['a mail was not sent: MAIL_URL is not set'])
})

test.each([
  [{ MAIL_URL: 'smtp://mail.example.com' }, 'MAIL_FROM is missing'],
  [{ MAIL_URL: 'https://mail.example.com' }, 'MAIL_URL must be a URL that starts with smtp://'],
  [{ PASSWORD_MEMORY: '64KB', PASSWORD_PARALLELISM: '16' }, 'PASSWORD_MEMORY must be at least 8KB for each'],
  [{ ...production, PASSWORD_MEMORY: '12MB' }, 'must be at least 19MB and 2 in production'],
])('the configuration %j is refused', (environment, problem) => {
  expect(() => readConfig({ APP_ENV: 'testing', ...environment }, '/nowhere')).toThrow(problem)
})
