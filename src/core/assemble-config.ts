// Puts the values of the settings in their places in the configuration.

import { resolve } from 'node:path'
import type { Config, DatabaseConfig, LimitsConfig, LogConfig, RedisConfig } from './config.ts'
import { databaseUrl, redisUrl } from './connection-settings.ts'
import { developmentSecrets, randomSecrets, type Secrets } from './development-secrets.ts'
import type { EnvReader } from './env.ts'

/** @param root  absolute; development secrets are made in it when there are none */
export function assembleConfig(reader: EnvReader, root: string): Config {
  const { values, environment, warnings } = reader
  const port = apiPort(reader)
  return {
    env: environment,
    debug: given(values.DEBUG),
    root,
    log: logConfig(reader, root),
    api: {
      host: listenHost(given(values.API_HOST)),
      port,
      ...optional('url', values.API_URL),
      trustedProxies: values.TRUSTED_PROXIES ?? [],
    },
    frontend: { port: given(values.FRONTEND_PORT) },
    console: { port: given(values.CONSOLE_PORT) },
    cors: { origins: values.CORS_ORIGINS ?? [], credentials: given(values.CORS_CREDENTIALS) },
    database: databaseConfig(reader),
    ...optional('redis', redisConfig(reader)),
    ...optional('amqp', urlOf(values.AMQP_URL)),
    passwords: {
      memory: Math.floor(given(values.PASSWORD_MEMORY) / 1_024),
      passes: given(values.PASSWORD_PASSES),
      parallelism: given(values.PASSWORD_PARALLELISM),
    },
    audit: { retentionMs: given(values.AUDIT_RETENTION) },
    mail: { ...optional('url', values.MAIL_URL), from: values.MAIL_FROM ?? 'no-reply@localhost' },
    app: { url: values.APP_URL ?? values.API_URL ?? `http://localhost:${port}` },
    secrets: chooseSecrets(reader, root),
    limits: limitsConfig(reader),
    ...optional('rateLimit', values.RATE_LIMIT),
    cache: { memoryBytes: given(values.CACHE_MEMORY) },
    idempotency: { ttlMs: given(values.IDEMPOTENCY_TTL) },
    warnings,
  }
}

function logConfig(reader: EnvReader, root: string): LogConfig {
  const { LOG_LEVEL: level, LOG_DIR: directory, LOG_FORMAT: format, DEBUG: debug } = reader.values
  const chosen = !reader.isSet('LOG_LEVEL') && debug === true ? 'debug' : given(level)
  return {
    level: chosen,
    pretty: format === 'pretty',
    ...optional('directory', directory === undefined || directory === '' ? undefined : resolve(root, directory)),
    fileBytes: given(reader.values.LOG_FILE_SIZE),
    files: given(reader.values.LOG_FILES),
  }
}

function apiPort(reader: EnvReader): number {
  const { API_PORT: own, PORT: platform } = reader.values
  const explicit = reader.isSet('API_PORT')
  if (explicit && platform !== undefined && platform !== own)
    reader.problem('API_PORT and PORT are set to different values; set one of them')
  return explicit ? given(own) : (platform ?? given(own))
}

function databaseConfig(reader: EnvReader): DatabaseConfig {
  const { values } = reader
  return {
    ...optional('url', databaseUrl(reader)),
    replicaUrls: values.DATABASE_REPLICA_URLS ?? [],
    replicaMaxLagMs: given(values.DB_REPLICA_MAX_LAG),
    poolSize: given(values.DB_POOL_SIZE),
    readerConnections: given(values.DB_READER_CONNECTIONS),
    reader: given(values.DB_READER),
    connectTimeoutMs: given(values.DB_CONNECT_TIMEOUT),
    statementTimeoutMs: given(values.DB_STATEMENT_TIMEOUT),
    lockTimeoutMs: given(values.DB_LOCK_TIMEOUT),
    idleInTransactionTimeoutMs: given(values.DB_IDLE_IN_TRANSACTION_TIMEOUT),
    migrationLockTimeoutMs: given(values.DB_MIGRATION_LOCK_TIMEOUT),
  }
}

function redisConfig(reader: EnvReader): RedisConfig | undefined {
  const url = redisUrl(reader)
  return url === undefined ? undefined : { url, budgetMs: given(reader.values.REDIS_BUDGET) }
}

function limitsConfig(reader: EnvReader): LimitsConfig {
  const { values } = reader
  return {
    bodyBytes: given(values.BODY_LIMIT),
    headerBytes: given(values.HEADER_LIMIT),
    urlBytes: given(values.URL_LIMIT),
    jsonDepth: given(values.JSON_DEPTH),
    jsonKeys: given(values.JSON_KEYS),
    arrayItems: given(values.JSON_ITEMS),
    requestTimeoutMs: given(values.REQUEST_TIMEOUT),
    headersTimeoutMs: given(values.HEADERS_TIMEOUT),
    handlerTimeoutMs: given(values.HANDLER_TIMEOUT),
    replyTimeoutMs: given(values.REPLY_TIMEOUT),
    keepAliveTimeoutMs: given(values.KEEP_ALIVE_TIMEOUT),
    connections: given(values.CONNECTIONS),
    inFlight: given(values.IN_FLIGHT_LIMIT),
    arrivingBytes: given(values.ARRIVING_LIMIT),
    loopDelayMs: given(values.LOOP_DELAY_LIMIT),
    shutdownMs: given(values.SHUTDOWN_TIMEOUT),
    drainMs: given(values.DRAIN_TIME),
  }
}

/** Given ones are taken everywhere; missing ones are made for a laptop and a test, and stay missing in production. */
function chooseSecrets({ values, environment }: EnvReader, root: string): Secrets {
  const { SECRET_KEY: secretKey, JWT_SECRET_KEY: jwtSecretKey } = values
  if (secretKey !== undefined && jwtSecretKey !== undefined) return { secretKey, jwtSecretKey }
  if (environment === 'production') return { secretKey: secretKey ?? '', jwtSecretKey: jwtSecretKey ?? '' }
  const made = environment === 'development' ? developmentSecrets(root) : randomSecrets()
  return { secretKey: secretKey ?? made.secretKey, jwtSecretKey: jwtSecretKey ?? made.jwtSecretKey }
}

/** Settings with a default always have a value; this says so to the compiler. */
function given<value>(value: value | undefined): value {
  if (value === undefined) throw new Error('A setting without a default was taken for one that has one.')
  return value
}

function optional<name extends string, value>(name: name, value: value | undefined): { readonly [key in name]?: value } {
  return value === undefined ? {} : ({ [name]: value } as { [key in name]: value })
}

function urlOf(url: string | undefined): { readonly url: string } | undefined {
  return url === undefined ? undefined : { url }
}

/** `localhost` would listen twice, on 127.0.0.1 and ::1, with two servers of which one is not ours to drain. */
function listenHost(host: string): string {
  return host === 'localhost' ? '127.0.0.1' : host
}
