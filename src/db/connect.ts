// From a URL to what `pg` connects with. Every connection of Plinth gets the same session settings in its first packet.

import { Client, type ClientConfig } from 'pg'
import type { DatabaseConfig } from '../core/config.ts'
import { dbErrors } from './errors.ts'

/** The rows' text format depends on these; `resource/shape` and the column kinds count on them. */
const sessionSettings: Readonly<Record<string, string>> = {
  timezone: 'UTC',
  datestyle: 'ISO,MDY',
  intervalstyle: 'iso_8601',
  extra_float_digits: '1',
  bytea_output: 'hex',
  standard_conforming_strings: 'on',
  client_encoding: 'UTF8',
}

const oldestServer = 15

/** What both the pool and the reader connect with. */
export function connectionConfig(url: string, config: DatabaseConfig): ClientConfig {
  const { connectionString, options } = splitUrl(url)
  return {
    connectionString,
    options: [...ownSchemaAside(url), options, startupOptions()].join(' ').trim(),
    fallback_application_name: 'plinth',
    connectionTimeoutMillis: config.connectTimeoutMs,
    statement_timeout: config.statementTimeoutMs,
    lock_timeout: config.lockTimeoutMs,
    idle_in_transaction_session_timeout: config.idleInTransactionTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  }
}

/**
 * PostgreSQL looks first into the schema that is called like the role, and creates tables there. For a role `plinth`, as the embedded
 * database has, that would be the framework's own. What the URL says comes after this, and wins.
 */
export function ownSchemaAside(url: string): string[] {
  return /^\w+:\/\/plinth[:@]/.test(url) ? ['-c search_path=public'] : []
}

function startupOptions(): string {
  return Object.entries(sessionSettings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ')
}

/**
 * Takes `options` out of the URL, because what `pg` reads there would replace ours, and asks for libpq's meaning of
 * `sslmode`: `require` encrypts without checking the certificate, `verify-full` checks it.
 */
function splitUrl(url: string): { connectionString: string; options: string } {
  const mark = url.indexOf('?')
  if (mark === -1) return { connectionString: url, options: '' }
  const parameters = new URLSearchParams(url.slice(mark + 1))
  const options = parameters.get('options') ?? ''
  parameters.delete('options')
  if (parameters.has('sslmode')) parameters.set('uselibpqcompat', 'true')
  return { connectionString: `${url.slice(0, mark)}?${parameters.toString()}`, options }
}

/** A `pg` client that remembers when it was made, what version the server told it while connecting, and that nobody else should get it. */
export class VersionedClient extends Client {
  readonly madeAt = performance.now()
  isSpent = false
  serverVersion: string | undefined

  constructor(config?: ClientConfig) {
    super(config)
    this.connection.on('parameterStatus', (status: { parameterName: string; parameterValue: string }) => {
      if (status.parameterName === 'server_version') this.serverVersion = status.parameterValue
    })
  }
}

/** @throws AppError `DB_SERVER_TOO_OLD` */
export function checkServerVersion(version: string): void {
  if (Number.parseInt(version) < oldestServer) throw dbErrors.SERVER_TOO_OLD(version)
}
