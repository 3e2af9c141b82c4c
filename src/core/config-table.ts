// Every environment variable Plinth reads: the one table from which values are parsed and the reference page is written.

import { networkProblem } from '../support/networks.ts'
import type { Environment } from './config.ts'
import {
  bytes,
  choice,
  duration,
  flag,
  integer,
  list,
  port,
  rateLimit,
  redisAddress,
  retention,
  secret,
  secretUrl,
  secretUrls,
  text,
  webUrl,
  type Reading,
  type Setting,
} from './settings.ts'

export const settings = {
  APP_ENV: choice(
    'Where the application runs. Without it NODE_ENV is used (`test` means testing).',
    ['development', 'testing', 'production'],
    { default: 'development' },
  ),
  NODE_ENV: text('Used when APP_ENV is not set.'),
  DEBUG: flag('More log lines and more detail in them. Refused in production.', { default: 'false' }),
  LOG_LEVEL: choice('Least important log lines that are written.', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
    default: { development: 'info', testing: 'warn', production: 'info' },
  }),
  LOG_FORMAT: choice('Log lines for people or for machines.', ['pretty', 'json'], {
    default: { development: 'pretty', testing: 'json', production: 'json' },
  }),
  LOG_DIR: text('Folder of log files, relative to the application. Empty: standard output only.', {
    default: { production: 'logs' },
    emptyCounts: true,
  }),
  LOG_FILE_SIZE: bytes('A log file is rotated before it grows over this.', '64KB', { default: '10MB' }),
  LOG_FILES: integer('Log files kept, the current one included.', 1, 1_000, { default: '5' }),

  DATABASE_URL: secretUrl('PostgreSQL to use: `postgresql://user:password@host:5432/name`. Nothing set: the embedded database.', [
    'postgres',
    'postgresql',
  ]),
  DATABASE_REPLICA_URLS: secretUrls(
    'Standbys of that PostgreSQL for reads, separated by commas; each address must lead to one server. Nothing set: all reads go to the primary.',
    ['postgres', 'postgresql'],
  ),
  DB_REPLICA_MAX_LAG: duration('A standby that is further behind is not read from.', '100ms', { default: '5s' }),
  DB_HOST: text('PostgreSQL host, instead of DATABASE_URL; a folder for a Unix socket.'),
  DB_PORT: port('PostgreSQL port.'),
  DB_NAME: text('PostgreSQL database.'),
  DB_USER: text('PostgreSQL user.'),
  DB_PASSWORD: secret('PostgreSQL password.'),
  POSTGRES_HOST: text('The same as DB_HOST.'),
  POSTGRES_PORT: port('The same as DB_PORT.'),
  POSTGRES_DB: text('The same as DB_NAME; the name the postgres container uses.'),
  POSTGRES_USER: text('The same as DB_USER.'),
  POSTGRES_PASSWORD: secret('The same as DB_PASSWORD.'),
  PLINTH_EMBEDDED: choice('`allow` lets production run on the embedded database.', ['allow', 'refuse'], { default: 'refuse' }),
  DB_POOL_SIZE: integer('Connections for writes, transactions and slow reads.', 1, 1_000, { default: '10' }),
  DB_READER_CONNECTIONS: integer('Connections that reads are pipelined on.', 1, 100, { default: '4' }),
  DB_READER: choice('How reads are sent: `thin` is our reader on the socket of pg, `pg` the driver alone.', ['thin', 'pg'], {
    default: 'thin',
  }),
  DB_CONNECT_TIMEOUT: duration('Longest wait for a connection.', '50ms', {
    default: { development: '5s', testing: '5s', production: '1s' },
  }),
  DB_STATEMENT_TIMEOUT: duration('Longest time a statement may run.', '50ms', { default: '5s' }),
  DB_LOCK_TIMEOUT: duration('Longest wait for a lock.', '10ms', { default: '2s' }),
  DB_IDLE_IN_TRANSACTION_TIMEOUT: duration('Longest pause inside a transaction.', '50ms', { default: '10s' }),
  DB_MIGRATION_LOCK_TIMEOUT: duration('Longest wait of a migration for a lock, so that it does not hold up traffic.', '10ms', {
    default: '2s',
  }),

  REDIS_URL: redisAddress(
    'Redis to use: `redis://:password@host:6379/0`, `redis+cluster://host1:7000,host2:7000`, `redis+sentinel://host1:26379/mymaster`; `rediss` for TLS. Nothing set: a cache in the process.',
  ),
  REDIS_HOST: text('Redis host, instead of REDIS_URL.'),
  REDIS_PORT: port('Redis port.'),
  REDIS_PASSWORD: secret('Redis password.'),
  REDIS_BUDGET: duration('Longest time that anything waits for Redis; then it goes on without.', '5ms', { default: '50ms' }),
  CACHE_MEMORY: bytes('Answers of cached resources that each process keeps in its own memory.', '1MB', { default: '64MB' }),
  AMQP_URL: secretUrl('RabbitMQ to use: `amqp://user:password@host:5672`.', ['amqp', 'amqps']),

  SECRET_KEY: secret('Signs cookies and links. Development makes its own.'),
  JWT_SECRET_KEY: secret('Signs access tokens. Development makes its own.'),

  PASSWORD_MEMORY: bytes(
    'Memory that hashing one password takes (argon2id). Production takes no less work than OWASP recommends.',
    '64KB',
    {
      default: { development: '19MB', testing: '64KB', production: '19MB' },
    },
  ),
  PASSWORD_PASSES: integer('How often hashing a password goes over that memory.', 1, 100, {
    default: { development: '2', testing: '1', production: '2' },
  }),
  PASSWORD_PARALLELISM: integer('Lanes of that memory, each of which may have a core.', 1, 16, { default: '1' }),

  AUDIT_RETENTION: retention('How long it is kept who did what to accounts and roles. Rows that are older are removed.', {
    default: '400d',
  }),

  MAIL_URL: secretUrl(
    'Mail server: `smtp://user:password@host:587`, `smtps://…:465`. Nothing set: development and tests keep mails and show them.',
    ['smtp', 'smtps'],
  ),
  MAIL_FROM: text('Sender of every mail: `Shop <no-reply@shop.example>`.'),

  APP_URL: webUrl('Public address of the pages that links in mails lead to. Nothing set: API_URL.'),
  API_URL: webUrl('Public address of the API, for links in answers and the documentation.'),
  API_HOST: text('Address the API listens on.', { default: { development: '127.0.0.1', testing: '127.0.0.1', production: '0.0.0.0' } }),
  API_PORT: port('Port the API listens on; PORT is understood too.', { default: '8080' }),
  PORT: port('The same as API_PORT; the name hosting platforms use.'),
  FRONTEND_PORT: port('Port of the frontend service.', { default: '8000' }),
  CONSOLE_PORT: port('Port of the admin console.', { default: '5050' }),
  CORS_ORIGINS: list('Other origins whose pages may read answers: `https://app.example.com`. Empty: none.', originProblem),
  CORS_CREDENTIALS: flag('Whether those pages may send cookies.', { default: 'false' }),
  TRUSTED_PROXIES: list(
    'Proxies whose X-Forwarded-* and X-Request-Id are believed: addresses, networks, `loopback`, `private`.',
    networkProblem,
  ),
  RATE_LIMIT: rateLimit(
    "Requests of one address (`600/1m`) or one caller (`600/1m by caller`) to all routes together that have no limit of their own, instead of the application's `rateLimit`. `off`: no limit.",
  ),

  BODY_LIMIT: bytes('Largest request body.', '1KB', { default: '1MB' }),
  HEADER_LIMIT: bytes('Largest request line and headers together.', '2KB', { default: '16KB' }),
  URL_LIMIT: bytes('Longest address of a request.', '256', { default: '8KB' }),
  JSON_DEPTH: integer('Deepest nesting of a JSON body.', 1, 1_000, { default: '64' }),
  JSON_KEYS: integer('Most keys of one JSON object.', 1, 100_000, { default: '1000' }),
  JSON_ITEMS: integer('Most items of one JSON array.', 1, 1_000_000, { default: '10000' }),
  // So that whoever is slow is gone within 15 s: half a second to the next look and half a second to read the refusal come on top.
  REQUEST_TIMEOUT: duration('Longest time a client may take to send a request.', '100ms', { default: '14s' }),
  HEADERS_TIMEOUT: duration('Longest time a client may take to send the headers; not more than REQUEST_TIMEOUT.', '100ms', {
    default: '10s',
  }),
  HANDLER_TIMEOUT: duration('Longest time an answer may take; then it is a 503.', '50ms', { default: '10s' }),
  REPLY_TIMEOUT: duration('Time in which a client must take at least 64 KB of its answer; then its connection is closed.', '100ms', {
    default: '10s',
  }),
  KEEP_ALIVE_TIMEOUT: duration("How long an idle connection is kept; longer than the proxy's, so that the proxy closes first.", '1s', {
    default: '72s',
  }),
  IDEMPOTENCY_TTL: duration('How long the answer to a request with an Idempotency-Key is kept for its repetitions.', '1s', {
    default: '24h',
  }),
  CONNECTIONS: integer('Most connections at once; more are closed.', 1, 1_000_000, { default: '8192' }),
  IN_FLIGHT_LIMIT: integer('Requests worked on at once; more are refused with 503.', 1, 1_000_000, { default: '1000' }),
  ARRIVING_LIMIT: bytes('Memory for request bodies that are still on their way; beyond it the youngest are refused with 503.', '64KB', {
    default: '64MB',
  }),
  LOOP_DELAY_LIMIT: duration('Mean delay of the event loop over which fewer requests are let in.', '5ms', { default: '50ms' }),
  SHUTDOWN_TIMEOUT: duration('How long a stop waits for requests in flight.', '0', {
    default: { development: '2s', testing: '2s', production: '15s' },
  }),
  DRAIN_TIME: duration('How long connections are still accepted after a stop was asked for, so that a load balancer can look away.', '0', {
    default: { development: '0', testing: '0', production: '2s' },
  }),
} satisfies Readonly<Record<string, Setting>>

export type SettingName = keyof typeof settings

/** What each setting was given as, parsed; undefined when it has neither a value nor a default. */
export type SettingValues = {
  readonly [name in SettingName]: (typeof settings)[name] extends { parse(text: string): Reading<infer value> } ? value | undefined : never
}

/** One line of the reference page. */
export interface ConfigurationRow {
  readonly name: string
  readonly description: string
  readonly type: string
  /** As it would be written, one per environment where they differ. */
  readonly default: string
  /** Never shown, and can be given as a file with `NAME_FILE`. */
  readonly secret: boolean
}

/** Every variable, in the order of the reference page. */
export function configurationTable(): ConfigurationRow[] {
  return Object.entries<Setting>(settings).map(([name, setting]) => ({
    name,
    description: setting.description,
    type: setting.type,
    default: defaultText(setting.default),
    secret: setting.secret ?? false,
  }))
}

function defaultText(value: Setting['default']): string {
  if (value === undefined || typeof value === 'string') return value ?? ''
  return Object.entries(value)
    .map(([environment, written]) => `${environment}: ${written}`)
    .join(', ')
}

/** The default that holds in `environment`, as text. */
export function defaultOf(setting: Setting, environment: Environment): string | undefined {
  return typeof setting.default === 'string' ? setting.default : setting.default?.[environment]
}

function originProblem(origin: string): string | undefined {
  if (origin === '*') return undefined
  const exact = /^https?:\/\/[^/?#@*\s]+$/.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin
  return exact ? undefined : `must list exact origins such as https://app.example.com, not ${JSON.stringify(origin)}`
}
