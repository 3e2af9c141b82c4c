// Loaded before the application: keys that nobody has set are made once and kept in SECRETS_DIR, a volume. So a clean clone starts without
// a key that everybody knows, and containers that share the volume share the keys.

import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

for (const name of ['SECRET_KEY', 'JWT_SECRET_KEY']) {
  const file = `${name}_FILE`
  if (!process.env[name] && !process.env[file]) process.env[file] = keptSecret(name.toLowerCase())
}

/** Path of a file with a secret. Of containers that start together, the first to link its draft decides. */
function keptSecret(name) {
  const file = join(process.env.SECRETS_DIR, name)
  if (existsSync(file)) return file
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  writeFileSync(draft, randomBytes(32).toString('base64url'), { mode: 0o600 })
  try {
    linkSync(draft, file)
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  } finally {
    rmSync(draft)
  }
  return file
}
