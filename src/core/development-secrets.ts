// Secrets for a laptop: made once, kept in `.plinth/secrets.json`, so that sessions survive a restart.

import { randomBytes } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Secrets {
  readonly secretKey: string
  readonly jwtSecretKey: string
}

export function randomSecrets(): Secrets {
  return { secretKey: randomSecret(), jwtSecretKey: randomSecret() }
}

/** The secrets of this checkout; made and written (mode 0600) the first time. Two processes that start together get the same. */
export function developmentSecrets(root: string): Secrets {
  const folder = join(root, '.plinth')
  const file = join(folder, 'secrets.json')
  const kept = readSecrets(file)
  if (kept !== undefined) return kept
  mkdirSync(folder, { recursive: true })
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  writeFileSync(draft, `${JSON.stringify(randomSecrets(), null, 2)}\n`, { mode: 0o600 })
  chmodSync(draft, 0o600)
  publish(draft, file)
  return readSecrets(file) ?? randomSecrets()
}

/** A link fails when another process was first; a rename would replace what that one already uses. */
function publish(draft: string, file: string): void {
  try {
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    if (readSecrets(file) === undefined) writeFileSync(file, readFileSync(draft), { mode: 0o600 })
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Undefined for a file that is missing or damaged: it is replaced then, which ends sessions on this laptop and nothing else. */
function readSecrets(file: string): Secrets | undefined {
  try {
    const { secretKey, jwtSecretKey } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>
    return typeof secretKey === 'string' && typeof jwtSecretKey === 'string' ? { secretKey, jwtSecretKey } : undefined
  } catch {
    return undefined
  }
}

function randomSecret(): string {
  return randomBytes(32).toString('base64url')
}
