// An application's tables of users and roles in a database of their own, and processes that share it, without HTTP.

import { permissions, role_permissions, roles, userColumns, userRoles } from 'plinth/auth'
import { pgTable, text } from 'plinth/db'
import { type Auth, createAuth } from '../../src/auth/create-auth.ts'
import type { AuthOptions } from '../../src/auth/options.ts'
import { readConfig } from '../../src/core/env.ts'
import { createLog } from '../../src/core/log.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import type { Database } from '../../src/db/database.ts'
import { createMailer, type KeptMail } from '../../src/mail/mailer.ts'
import { createState } from '../../src/state/create-state.ts'
import { createSchema } from '../../src/testing/create-schema.ts'
import { connectDatabase } from './database.ts'
import { scratchDatabase } from './postgres.ts'

export const users = pgTable('users', { ...userColumns, display_name: text() })
export const user_roles = userRoles(users)
export const models = { users, user_roles, roles, permissions, role_permissions }

const tracked = ['permissions', 'role_permissions', 'roles', 'user_roles', 'users'].map((name) => `public.${name}`)

export interface AccountProcess {
  readonly auth: Auth
  readonly db: Database
  /** The newest first. */
  readonly mails: readonly KeptMail[]
  /** What was logged, as it stands in the log. */
  readonly log: string[]
}

export interface AccountBed {
  readonly url: string
  process(options?: Partial<AuthOptions>, environment?: Record<string, string>): Promise<AccountProcess>
  close(): Promise<void>
}

export async function accountBed(serverUrl?: string): Promise<AccountBed> {
  const { url, drop } = await scratchDatabase(serverUrl)
  const closing: (() => unknown)[] = [drop]
  await createSchema(url, models, { versioned: [], tracked, fenced: [] })
  return {
    url,
    process: (options = {}, environment = {}) => startProcess(url, options, environment, closing),
    async close() {
      for (const end of closing.toReversed()) await end()
    },
  }
}

async function startProcess(url: string, options: Partial<AuthOptions>, environment: Record<string, string>, closing: (() => unknown)[]) {
  const lines: string[] = []
  const log = createLog({ level: 'debug', stream: { write: (line: string) => void lines.push(line) } })
  const config = readConfig({ APP_ENV: 'testing', APP_URL: 'https://shop.example', ...environment }, '/nowhere')
  const db = await connectDatabase(url)
  const state = createState({ db, redis: undefined, log, metrics: createMetrics(), secret: config.secrets.secretKey })
  const { mailer } = createMailer(config, log)
  const auth = createAuth({ users, userRoles: user_roles, ...options }, { config, name: 'shop', db, state, mailer, log })
  await auth.part.start?.()
  closing.push(
    () => db.close(),
    () => state.close(),
    () => auth.close(),
  )
  return { auth, db, mails: mailer.kept, log: lines }
}

/** Identity of an application that has no database yet. */
export function unconnected(options: Partial<AuthOptions>): Auth {
  const config = readConfig({ APP_ENV: 'testing' }, '/nowhere')
  const nothing = {} as never
  return createAuth(
    { users, userRoles: user_roles, ...options },
    { config, name: 'shop', db: nothing, state: nothing, mailer: nothing, log: nothing },
  )
}

/** The token in the link of a mail. */
export function tokenIn(mail: KeptMail | undefined): string {
  return /#token=([\w-]{43})/.exec(mail?.text ?? '')?.[1] ?? ''
}
