// The configuration as frozen data. Read from the environment by `env.ts`; every limit and time-out stands here once,
// so that Fastify, PostgreSQL and nginx are told the same number.

import type { RateLimit } from '../support/rates.ts'

export type Environment = 'development' | 'testing' | 'production'
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

export interface DatabaseConfig {
  /** Absent: the embedded database (development and testing only, unless `PLINTH_EMBEDDED=allow`). */
  readonly url?: string
  /** Standbys that reads may go to. */
  readonly replicaUrls: readonly string[]
  /** A standby that is further behind is not read from. */
  readonly replicaMaxLagMs: number
  readonly poolSize: number
  /** Connections that reads are pipelined on. */
  readonly readerConnections: number
  /** `thin`: our reader on `pg`'s socket. `pg`: stock `pg` with `pipeline: true`. */
  readonly reader: 'thin' | 'pg'
  readonly connectTimeoutMs: number
  /** `statement_timeout` on every connection, and the deadline after which we stop waiting for an answer. */
  readonly statementTimeoutMs: number
  readonly lockTimeoutMs: number
  readonly idleInTransactionTimeoutMs: number
  /** `lock_timeout` of a migration. */
  readonly migrationLockTimeoutMs: number
}

export interface RedisConfig {
  /** As `parseRedisUrl` reads it. */
  readonly url: string
  /** Longest wait for an answer. */
  readonly budgetMs: number
}

export interface LogConfig {
  readonly level: LogLevel
  readonly pretty: boolean
  /** Absent: no log files. */
  readonly directory?: string
  /** A file is rotated before it grows over this. */
  readonly fileBytes: number
  /** Files kept, the current one included. */
  readonly files: number
}

export interface LimitsConfig {
  readonly bodyBytes: number
  readonly headerBytes: number
  readonly urlBytes: number
  readonly jsonDepth: number
  readonly jsonKeys: number
  readonly arrayItems: number
  readonly requestTimeoutMs: number
  readonly headersTimeoutMs: number
  readonly handlerTimeoutMs: number
  /** Time in which a client must take 64 KB of its answer, or the rest. */
  readonly replyTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  readonly connections: number
  /** Requests worked on at once; more are refused. */
  readonly inFlight: number
  /** Bytes that have come of bodies that are still on their way; beyond it the youngest are refused. */
  readonly arrivingBytes: number
  /** Mean delay of the event loop over which fewer are. */
  readonly loopDelayMs: number
  /** How long `stop()` waits for requests in flight before it closes what is left. */
  readonly shutdownMs: number
  /** How long after SIGTERM connections are still accepted, so that a load balancer can look away first. */
  readonly drainMs: number
}

export interface Config {
  readonly env: Environment
  readonly debug: boolean
  /** Folder of the application: `.plinth/`, `logs/` and `migrations/` lie in it. */
  readonly root: string
  readonly log: LogConfig
  readonly api: { readonly host: string; readonly port: number; readonly url?: string; readonly trustedProxies: readonly string[] }
  readonly frontend: { readonly port: number }
  readonly console: { readonly port: number }
  readonly cors: { readonly origins: readonly string[]; readonly credentials: boolean }
  readonly database: DatabaseConfig
  readonly redis?: RedisConfig
  /** argon2id; memory in KiB. */
  readonly passwords: { readonly memory: number; readonly passes: number; readonly parallelism: number }
  /** Without a URL mails are kept in the process. */
  readonly mail: { readonly url?: string; readonly from: string }
  /** Public address of the pages that links in mails lead to. */
  readonly app: { readonly url: string }
  readonly amqp?: { readonly url: string }
  readonly secrets: { readonly secretKey: string; readonly jwtSecretKey: string }
  readonly limits: LimitsConfig
  /** Of all routes together that have no limit of their own; absent: what the application says. */
  readonly rateLimit?: RateLimit
  /** Entries of the audit that are older are removed. */
  readonly audit: { readonly retentionMs: number }
  /** How long answers to requests with an Idempotency-Key are kept. */
  /** Bytes of answers that each process keeps. */
  readonly cache: { readonly memoryBytes: number }
  readonly idempotency: { readonly ttlMs: number }
  /** What looked odd in the environment without being wrong (`DATABSE_URL`); logged once at start. */
  readonly warnings: readonly string[]
}
