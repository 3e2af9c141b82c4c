// An application whose users sign in, and what browsers and programs do to it.

import { anyone, defineApp, defineResource, type AppOptions } from 'plinth'
import { permissions, role_permissions, roles, userColumns, userRoles } from 'plinth/auth'
import { pgTable, serial, text, varchar } from 'plinth/db'
import { type TestApp, testApp, type TestAppOptions, type TestReply } from 'plinth/testing'
import type { KeptMail } from '../../src/mail/mailer.ts'
import { until } from './redis.ts'
import { tellSecret, tellSecrets } from './watched-logs.ts'

export const users = pgTable('users', { ...userColumns, display_name: varchar({ length: 20 }) })
const user_roles = userRoles(users)
const notes = pgTable('notes', { id: serial().primaryKey(), body: text().notNull() })
const models = { users, user_roles, roles, permissions, role_permissions, notes }
const open = { read: anyone, write: anyone }

export function identityApp(url: string, options: Partial<AppOptions> = {}, test: TestAppOptions = {}): Promise<TestApp> {
  const definition = defineApp({
    name: 'shop',
    models,
    resources: [defineResource(notes, { access: open }), defineResource(users, { access: { read: anyone, create: anyone } })],
    auth: { users, userRoles: user_roles, signUpFields: ['display_name'], roles: { editor: ['notes.write'] }, ...options.auth },
    ...options,
  })
  return testApp(definition, { url, ...test })
}

export const password = 'correct horse'
/** What a browser sends with what a page of the same origin makes it send. */
export const samePage = { 'sec-fetch-site': 'same-origin' }

let addresses = 0

/** Somebody with a browser of his own: cookies go back, and the address is his. */
export class Browser {
  readonly #app: TestApp
  readonly cookies = new Map<string, string>()
  readonly address = `10.${(addresses >> 16) & 255}.${(addresses >> 8) & 255}.${++addresses & 255}`

  constructor(app: TestApp) {
    this.#app = app
  }

  async send(
    method: 'GET' | 'POST' | 'DELETE' | 'PATCH' | 'PUT',
    path: string,
    body?: unknown,
    headers: Record<string, string> = samePage,
  ): Promise<TestReply> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const payload = body === undefined ? {} : { payload: JSON.stringify(body) }
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const all = { ...type, ...(cookie === '' ? {} : { cookie }), ...headers }
    const reply = await this.#app.app.inject({ method, url: path, headers: all, remoteAddress: this.address, ...payload })
    for (const line of [reply.headers['set-cookie'] ?? []].flat()) this.#take(line)
    tellSecrets(reply.body)
    const isJson = reply.headers['content-type']?.toString().includes('json') === true && reply.body !== ''
    return { status: reply.statusCode, headers: reply.headers, text: reply.body, body: isJson ? JSON.parse(reply.body) : undefined }
  }

  signIn(email: string, secret = password): Promise<TestReply> {
    return this.send('POST', '/auth/sign-in', { email, password: secret })
  }

  /** Has a session without a sign-in, which are limited: ten for an account in a quarter of an hour. */
  async enter(email: string): Promise<this> {
    const { auth } = this.#app.app
    const user = await auth?.accounts.findByEmail(email)
    if (auth === undefined || user === undefined) throw new Error(`There is no ${email}.`)
    const { id } = await auth.signedIn.open(user, { address: this.address, agent: undefined })
    this.cookies.set('session', id)
    return this
  }

  #take(line: string): void {
    const [, name = '', value = '', age = ''] = /^([^=]+)=([^;]*);.*Max-Age=(\d+)/.exec(line) ?? []
    if (age === '0') this.cookies.delete(name)
    else this.cookies.set(name, value)
    tellSecret(value)
  }
}

/** Makes an account. @returns the id */
export async function newUser({ app }: TestApp, email: string): Promise<string> {
  const id = await app.auth?.accounts.create({ email, password })
  if (id === undefined) throw new Error('The application has no accounts.')
  return id
}

/** Somebody new who is signed in. */
export async function browserOf(app: TestApp, email: string): Promise<Browser> {
  await newUser(app, email)
  return new Browser(app).enter(email)
}

/** A program that keeps tokens. */
export async function tokensOf(app: TestApp, email: string): Promise<{ readonly access_token: string; readonly refresh_token: string }> {
  const reply = await new Browser(app).send('POST', '/auth/sign-in', { email, password, mode: 'token' }, {})
  return reply.body.data
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` }
}

/** The newest mail to somebody whose subject matches. */
export async function mailTo({ app }: TestApp, to: string, subject: RegExp): Promise<KeptMail> {
  let found: KeptMail | undefined
  await until(() => (found = app.mail.kept.find((mail) => mail.to === to && subject.test(mail.subject))))
  return found as unknown as KeptMail
}

/** Does something in the moment between the next question whether somebody has a second factor and its answer. */
export function whileFactorIsAsked({ app: { auth } }: TestApp, act: () => Promise<void>): void {
  if (auth === undefined) throw new Error('There is no identity.')
  const { factors } = auth.ways
  const { isOn } = factors
  factors.isOn = async (user) => {
    factors.isOn = isOn
    const was = await isOn.call(factors, user)
    await act()
    return was
  }
}
