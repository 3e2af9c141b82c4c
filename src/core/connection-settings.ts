// One address for PostgreSQL and one for Redis, out of a URL or out of parts; said twice, they must agree.

import type { SettingName, SettingValues } from './config-table.ts'
import { parseRedisUrl, withRedisPassword } from './redis-url.ts'

/** Reads values and collects what is wrong with them. */
export interface ConnectionSource {
  readonly values: SettingValues
  /** Adds a mistake; the sentence begins with the variable's name. */
  problem(sentence: string): void
}

/** PostgreSQL's URL, or undefined when nothing was said about it. */
export function databaseUrl(source: ConnectionSource): string | undefined {
  const parts = {
    host: same(source, 'DB_HOST', 'POSTGRES_HOST'),
    port: same(source, 'DB_PORT', 'POSTGRES_PORT'),
    name: same(source, 'DB_NAME', 'POSTGRES_DB'),
    user: same(source, 'DB_USER', 'POSTGRES_USER'),
    password: same(source, 'DB_PASSWORD', 'POSTGRES_PASSWORD'),
  }
  const url = source.values.DATABASE_URL
  if (url !== undefined) return agree(source, url, parts)
  if (Object.values(parts).every((part) => part === undefined)) return undefined
  const user = parts.user ?? 'postgres'
  const address = parts.host?.startsWith('/')
    ? `/${encodeURIComponent(parts.name ?? user)}?host=${encodeURIComponent(parts.host)}`
    : undefined
  const target = address ?? `${parts.host ?? 'localhost'}:${parts.port ?? 5432}/${encodeURIComponent(parts.name ?? user)}`
  return `postgresql://${encodeURIComponent(user)}${parts.password === undefined ? '' : `:${encodeURIComponent(parts.password)}`}@${target}`
}

/** Redis' URL, or undefined when nothing was said about it. REDIS_PASSWORD is that of a URL without one. */
export function redisUrl(source: ConnectionSource): string | undefined {
  const { REDIS_URL: url, REDIS_HOST: host, REDIS_PORT: port, REDIS_PASSWORD: password } = source.values
  if (host === undefined && port === undefined && password === undefined) return url
  const told = url === undefined ? undefined : parseRedisUrl(url)
  if (url === undefined || told === undefined)
    return `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}${host ?? 'localhost'}:${port ?? 6379}`
  if (host !== undefined && !told.hosts.some((one) => one.host === host))
    source.problem('REDIS_HOST and REDIS_URL name different hosts; set one of them')
  if (port !== undefined && !told.hosts.some((one) => one.port === port))
    source.problem('REDIS_PORT and REDIS_URL name different ports; set one of them')
  if (password === undefined) return url
  if (told.password === undefined) return withRedisPassword(url, password)
  if (told.password !== password) source.problem('REDIS_PASSWORD and REDIS_URL have different passwords; set one of them')
  return url
}

interface DatabaseParts {
  readonly host?: string
  readonly port?: number
  readonly name?: string
  readonly user?: string
  readonly password?: string
}

function agree(source: ConnectionSource, url: string, parts: DatabaseParts): string {
  const { hostname, port, pathname, username, password } = new URL(url)
  const told: DatabaseParts = {
    host: hostname,
    port: Number(port || 5432),
    name: decode(pathname.slice(1)),
    user: decode(username),
    password: decode(password),
  }
  for (const part of ['host', 'port', 'name', 'user', 'password'] as const) {
    if (parts[part] !== undefined && parts[part] !== told[part])
      source.problem(`DATABASE_URL and DB_* or POSTGRES_* do not have the same ${part}; set one of them`)
  }
  return url
}

/** The value of two names for one thing. */
function same<first extends SettingName, second extends SettingName>(
  source: ConnectionSource,
  first: first,
  second: second,
): SettingValues[first] | SettingValues[second] {
  const [one, other] = [source.values[first], source.values[second]]
  if (one !== undefined && other !== undefined && one !== other)
    source.problem(`${first} and ${second} are set to different values; set one of them`)
  return one ?? other
}

/** A password with a bare `%` is not ours to refuse: the driver takes it as it is. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
