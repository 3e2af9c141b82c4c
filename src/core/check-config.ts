// Settings that are right alone and wrong together, and what production does not start with.

import type { Config } from './config.ts'
import type { EnvReader } from './env.ts'
import { isCommonPassword, secretCommand, secretProblem } from './secret-strength.ts'

/** Adds a mistake to `reader` for everything that must not be. */
export function checkConfig(config: Config, reader: EnvReader): void {
  const { limits, cors, env } = config
  if (limits.headersTimeoutMs > limits.requestTimeoutMs) reader.problem('HEADERS_TIMEOUT must not be longer than REQUEST_TIMEOUT')
  if (limits.urlBytes > limits.headerBytes) reader.problem('URL_LIMIT must not be larger than HEADER_LIMIT')
  if (cors.credentials && cors.origins.includes('*')) {
    reader.problem('CORS_CREDENTIALS=true needs exact CORS_ORIGINS; with * any site could act for its visitors')
  }
  checkPasswordCost(config.passwords, reader)
  if (config.mail.url !== undefined && reader.values.MAIL_FROM === undefined)
    reader.problem('MAIL_FROM is missing; mail servers want a sender')
  if (env === 'production') checkProduction(config, reader)
}

/** argon2 wants 8 KiB for each lane. */
function checkPasswordCost({ memory, parallelism }: Config['passwords'], reader: EnvReader): void {
  if (memory < 8 * parallelism) reader.problem('PASSWORD_MEMORY must be at least 8KB for each of PASSWORD_PARALLELISM')
}

/** OWASP's Password Storage Cheat Sheet takes 46 MiB once, 19 twice, 12 three times, 9 four times, 7 five times. */
function isStrongEnough({ memory, passes }: Config['passwords']): boolean {
  return memory >= 7_168 && memory * passes >= 35_840
}

function checkProduction({ debug, database, secrets, passwords }: Config, reader: EnvReader): void {
  if (debug) reader.problem('DEBUG must not be true in production')
  if (!isStrongEnough(passwords))
    reader.problem('PASSWORD_MEMORY and PASSWORD_PASSES must be at least 19MB and 2 in production, or as much work with 7MB or more')
  checkSecret('SECRET_KEY', secrets.secretKey, reader)
  checkSecret('JWT_SECRET_KEY', secrets.jwtSecretKey, reader)
  if (secrets.secretKey !== '' && secrets.secretKey === secrets.jwtSecretKey) {
    reader.problem(`JWT_SECRET_KEY must differ from SECRET_KEY. Make one: ${secretCommand}`)
  }
  if (database.url !== undefined) checkDatabasePassword(database.url, reader)
  else if (reader.values.PLINTH_EMBEDDED !== 'allow') {
    reader.problem('DATABASE_URL is missing; production does not use the embedded database unless PLINTH_EMBEDDED=allow')
  }
}

function checkSecret(name: 'SECRET_KEY' | 'JWT_SECRET_KEY', value: string, reader: EnvReader): void {
  const problem = value === '' ? 'is missing' : secretProblem(value)
  if (problem !== undefined) reader.problem(`${name} ${problem}. Make one: ${secretCommand}`)
}

function checkDatabasePassword(url: string, reader: EnvReader): void {
  if (isCommonPassword(new URL(url).password)) {
    reader.problem(`DATABASE_URL (or DB_PASSWORD, POSTGRES_PASSWORD) has a password that everybody tries first. Make one: ${secretCommand}`)
  }
}
