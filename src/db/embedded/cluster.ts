// The cluster: made once by initdb, whole or not at all, with a password of its own. `plinth.json` beside PostgreSQL's
// files keeps the password and the port it listened on last.

import { randomBytes, randomUUID } from 'node:crypto'
import { chown, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../core/errors.ts'
import { embeddedErrors } from './errors.ts'
import { reasonOf, unlessMissing, type Home } from './home.ts'
import { run, type ServerUser } from './run.ts'

export const superuser = 'plinth'

export interface Credentials {
  readonly password: string
  /** Remembered, so that the URL stays the same from start to start. */
  readonly port?: number
}

/** Major version of the cluster, undefined when there is none yet. */
export async function clusterMajor(home: Home): Promise<number | undefined> {
  const text = await readFile(join(home.data, 'PG_VERSION'), 'utf8').catch(unlessMissing)
  return text === undefined ? undefined : Number.parseInt(text)
}

/**
 * Makes the cluster. Two processes may do it at once: the first to finish wins, the other throws its own away.
 *
 * @throws AppError `EMBEDDED_FAILED`
 */
export async function createCluster(home: Home, binaries: string): Promise<void> {
  const id = randomUUID()
  const draft = join(home.directory, `data.${id}`)
  const passwordFile = join(home.directory, `password.${id}`)
  const password = randomBytes(24).toString('base64url')
  try {
    await writePrivate(passwordFile, `${password}\n`, home.user)
    await initdb(draft, passwordFile, home, binaries)
    await writePrivate(join(draft, 'plinth.json'), JSON.stringify({ password }), home.user)
    await rename(draft, home.data).catch(unlessThere)
  } catch (error) {
    throw error instanceof AppError ? error : embeddedErrors.FILES(home.directory, reasonOf(error)).with({ cause: error })
  } finally {
    await Promise.all([rm(passwordFile, { force: true }), rm(draft, { recursive: true, force: true })])
  }
}

async function initdb(draft: string, passwordFile: string, { user }: Home, binaries: string): Promise<void> {
  const options = [`--username=${superuser}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8', '--no-locale']
  const { ok, stderr } = await run(join(binaries, 'initdb'), ['-D', draft, ...options], { user, timeoutMs: 120_000 })
  if (!ok) throw embeddedErrors.FAILED('initdb', errorLine(stderr))
}

/** The line that says what went wrong; initdb surrounds it with what it was doing and what it removed. */
function errorLine(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line !== '')
  return lines.find((line) => /(error|FATAL|could not)/.test(line)) ?? lines[0] ?? 'no reason given'
}

export async function readCredentials(home: Home): Promise<Credentials> {
  return JSON.parse(await readFile(join(home.data, 'plinth.json'), 'utf8'))
}

export async function rememberPort(home: Home, credentials: Credentials, port: number): Promise<void> {
  if (credentials.port === port) return
  const file = join(home.data, 'plinth.json')
  const draft = `${file}.${randomUUID()}`
  await writePrivate(draft, JSON.stringify({ ...credentials, port }), home.user)
  await rename(draft, file)
}

async function writePrivate(file: string, text: string, { uid, gid }: ServerUser): Promise<void> {
  await writeFile(file, text, { mode: 0o600, flag: 'wx' })
  if (uid !== undefined && gid !== undefined) await chown(file, uid, gid)
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
}
