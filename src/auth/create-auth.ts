// Puts identity together: accounts, sessions, tokens, and what tells for each request who asks. Knows no HTTP.

import type { Caller } from '../core/caller.ts'
import type { Config } from '../core/config.ts'
import { coreErrors } from '../core/errors.ts'
import type { Part } from '../core/lifecycle.ts'
import type { Logger } from '../core/log.ts'
import type { Database } from '../db/database.ts'
import type { Mailer } from '../mail/mailer.ts'
import { readTable } from '../model/read-table.ts'
import type { State } from '../state/create-state.ts'
import { parseDuration } from '../support/duration.ts'
import { accountErrors } from './account-errors.ts'
import { type Accounts, createAccounts } from './accounts/administer.ts'
import { countCosts } from './accounts/credentials.ts'
import { Members } from './accounts/members.ts'
import type { AccountParts } from './accounts/parts.ts'
import { Roles, roleTables } from './accounts/roles.ts'
import { TryLimits } from './accounts/try-limits.ts'
import { Users } from './accounts/users.ts'
import { acrossTenants } from './across-tenants.ts'
import { Audit } from './audit.ts'
import { auditSweeper } from './audit-retention.ts'
import type { AuthOptions } from './options.ts'
import { Passwords } from './passwords.ts'
import { RefreshTokens } from './refresh/refresh-tokens.ts'
import { SignedIn } from './signed-in.ts'
import { Memberships } from './tenants/memberships.ts'
import { readTenancy } from './tenants/read-tenancy.ts'
import { StoredCosts } from './stored-costs.ts'
import { AccessTokens } from './tokens/access-tokens.ts'
import { KeyRing } from './tokens/key-ring.ts'
import { createWaysIn, type WaysIn } from './ways-in.ts'

export interface AuthSurroundings {
  readonly config: Config
  /** Of the application, for mails. */
  readonly name: string
  readonly db: Database
  readonly state: Pick<State, 'sessions' | 'exactRates'>
  readonly mailer: Mailer
  readonly log: Logger
}

export interface Auth {
  readonly options: AuthOptions
  readonly accounts: Accounts
  readonly parts: AccountParts
  readonly tokens: AccessTokens
  readonly keys: KeyRing
  readonly audit: Audit
  readonly signedIn: SignedIn
  /** What signs somebody in beside a password. */
  readonly ways: WaysIn
  /** Asks nothing of the database any more. */
  close(): void
  /** Makes roles that are missing, and what the first sign-in would wait for. */
  readonly part: Part
  /**
   * The user with all roles, as policies see it; undefined when there is none that may sign in.
   *
   * @param tenant  key, as text, of the one to act in; without it the only one that the user belongs to, if there is one only
   * @throws AppError AUTH_NOT_A_MEMBER
   */
  loadCaller(user: string, tenant?: string): Promise<Caller | undefined>
}

const secondMs = 1_000
const tokenLeeway = 30
const longestTokenMs = 600_000
const keyLifetimeMs = 90 * 86_400_000

/** Asks nothing of the database yet. @throws AppError AUTH_INVALID_SETUP, or CORE_INVALID_CONFIG in production without MAIL_URL */
export function createAuth(options: AuthOptions, { config, name, db: database, state, mailer, log }: AuthSurroundings): Auth {
  if (config.env === 'production' && config.mail.url === undefined)
    throw coreErrors.INVALID_CONFIG(['MAIL_URL is missing; nobody could confirm an address or reset a password'])
  const db = acrossTenants(database)
  const usersTable = readTable(options.users)
  const users = new Users(db, usersTable)
  const unknown = (options.signUpFields ?? []).filter((field) => users.field(field) === undefined)
  if (unknown.length > 0) throw accountErrors.INVALID_SETUP(`signUpFields names ${unknown.join(', ')}, which users do not have`)
  const memberships =
    options.tenants === undefined ? undefined : new Memberships(db, readTenancy(options.tenants, usersTable), users.idType)
  const roles = new Roles(db, users, options.userRoles !== undefined, memberships)
  const rightsTables = [...(options.userRoles === undefined ? [] : roleTables), ...(memberships?.tables ?? [])]
  const members = new Members(db, users, roles, [users.table, ...rightsTables])
  const audit = new Audit(db, log)
  const costs = new StoredCosts(() => countCosts(db), config.passwords, config.secrets.secretKey)
  const passwords = new Passwords(config.passwords, costs)
  const parts: AccountParts = {
    db,
    log,
    users,
    roles,
    members,
    memberships,
    passwords,
    sessions: state.sessions,
    limits: new TryLimits(state.exactRates, config.secrets.secretKey, config.env === 'development' ? 10 : 1),
    mailer,
    mailSetting: { application: name, appUrl: config.app.url },
    audit,
    takesUnverified: options.unverified === 'allowed',
  }
  const { keys, tokens } = createTokens(options, config, db, state)
  const times = {
    idleMs: durationOf(options.session?.idle, '7d', 'session.idle'),
    lifetimeMs: durationOf(options.session?.lifetime, '30d', 'session.lifetime'),
  }
  const graceMs = durationOf(options.tokens?.refreshGrace, '10s', 'tokens.refreshGrace', 0)
  const refreshes = new RefreshTokens({ db, sessions: state.sessions, secret: config.secrets.jwtSecretKey, graceMs, ...times })
  const signedIn = new SignedIn({ parts, tokens, refreshes, ...times })
  const ways = createWaysIn(options, parts, config, name)
  return {
    options,
    accounts: createAccounts(parts),
    parts,
    tokens,
    keys,
    audit,
    signedIn,
    ways,
    part: authPart(options, parts, auditSweeper(db, log, config.audit.retentionMs)),
    close() {
      members.close()
      ways.apiKeys.close()
    },
    loadCaller: (user, tenant) => signedIn.callerOf(user, { named: tenant }),
  }
}

function createTokens({ tokens = {} }: AuthOptions, config: Config, db: Database, { sessions }: AuthSurroundings['state']) {
  const lifetimeMs = durationOf(tokens.lifetime, '10m', 'tokens.lifetime')
  if (lifetimeMs > longestTokenMs) throw accountErrors.INVALID_SETUP('tokens.lifetime is at most 10m; refresh tokens go on for longer')
  const issuer = config.api.url ?? `http://localhost:${config.api.port}`
  const rules = { issuer, audience: issuer, lifetime: Math.floor(lifetimeMs / secondMs), leeway: tokenLeeway }
  const keys = new KeyRing({
    db,
    secret: config.secrets.jwtSecretKey,
    algorithm: tokens.algorithm ?? 'EdDSA',
    tokenMs: lifetimeMs + tokenLeeway * secondMs,
    replaceAfterMs: keyLifetimeMs,
  })
  return { keys, tokens: new AccessTokens({ keys, sessions, rules }) }
}

function authPart({ roles: defaults = {} }: AuthOptions, { log, passwords, roles }: AccountParts, sweeper: Part): Part {
  return {
    name: 'Identity',
    stop: () => sweeper.stop?.(),
    async start() {
      await sweeper.start?.()
      await passwords.prepare()
      // An application starts without its database; the next start makes what is missing.
      await roles.addMissing(defaults).catch((err: unknown) => log.warn({ err }, 'roles that are missing could not be made'))
    },
  }
}

function durationOf(written: string | undefined, usual: string, name: string, leastMs = secondMs): number {
  const ms = parseDuration(written ?? usual)
  if (ms === undefined || ms < leastMs)
    throw accountErrors.INVALID_SETUP(`${name} is not a time such as 30m or 7d: ${JSON.stringify(written)}`)
  return ms
}
