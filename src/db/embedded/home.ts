// Where the embedded database of a project lies and whom it belongs to: `<root>/.plinth/postgres`, or elsewhere with a
// `location` file there that says where, when the server's unprivileged user cannot get into the project's folder.

import { createHash } from 'node:crypto'
import { chmod, chown, mkdir, readFile, realpath, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../core/errors.ts'
import { embeddedErrors } from './errors.ts'
import { run, type ServerUser } from './run.ts'
import { sharedDirectory } from './shared-directory.ts'

export interface Home {
  /** Folder of everything: the cluster, the log. */
  readonly directory: string
  /** PostgreSQL's data directory in it. */
  readonly data: string
  readonly log: string
  readonly user: ServerUser
}

const nobody = 65534

/**
 * Finds or makes the folder.
 *
 * @throws AppError `EMBEDDED_FILES`, `EMBEDDED_OTHER_OWNER`
 */
export async function homeOf(root: string): Promise<Home> {
  const local = join(root, '.plinth', 'postgres')
  try {
    await mkdir(local, { recursive: true })
    return process.getuid?.() === 0 ? await rootsHome(root, local) : await usersHome(local)
  } catch (error) {
    throw error instanceof AppError ? error : embeddedErrors.FILES(local, reasonOf(error)).with({ cause: error })
  }
}

async function usersHome(local: string): Promise<Home> {
  const owner = await stat(local)
  if (process.getuid !== undefined && owner.uid !== process.getuid()) throw embeddedErrors.OTHER_OWNER(local, owner.uid)
  await chmod(local, 0o700)
  return homeIn((await readLocation(local)) ?? local, {})
}

async function rootsHome(root: string, local: string): Promise<Home> {
  const directory = (await readLocation(local)) ?? local
  const user = (await ownerOf(join(directory, 'data'))) ?? (await userFor(root))
  if (await give(directory, user)) return homeIn(directory, user)
  if (directory !== local || (await ownerOf(join(local, 'data'))) !== undefined)
    throw embeddedErrors.FILES(directory, `uid ${user.uid} cannot write there`)
  return relocate(local, user)
}

/**
 * The owner of the project, so that they may start it without root the next time; for root's own projects `nobody`,
 * and also when the owner has no name here (a folder mounted into a container), because initdb wants one.
 */
async function userFor(root: string): Promise<Required<ServerUser>> {
  const { uid, gid } = await stat(root)
  const usable = uid !== 0 && (await run('/bin/sh', ['-c', 'id -un "$0"', String(uid)])).ok
  return usable ? { uid, gid } : { uid: nobody, gid: nobody }
}

async function relocate(local: string, user: Required<ServerUser>): Promise<Home> {
  const directory = join(await sharedDirectory(), await nameFor(local))
  await mkdir(directory, { recursive: true })
  if (!(await give(directory, user))) throw embeddedErrors.FILES(directory, `uid ${user.uid} cannot write there`)
  await writeFile(join(local, 'location'), `${directory}\n`)
  return homeIn(directory, user)
}

function homeIn(directory: string, user: ServerUser): Home {
  return { directory, user, data: join(directory, 'data'), log: join(directory, 'server.log') }
}

async function readLocation(local: string): Promise<string | undefined> {
  const text = await readFile(join(local, 'location'), 'utf8').catch(unlessMissing)
  return text?.trim()
}

async function ownerOf(path: string): Promise<{ uid: number; gid: number } | undefined> {
  const found = await stat(path).catch(unlessMissing)
  return found && { uid: found.uid, gid: found.gid }
}

/** Makes the folder the user's own. False when that user still cannot get there, because a folder above is closed (/root). */
async function give(directory: string, { uid, gid }: Required<ServerUser>): Promise<boolean> {
  await chown(directory, uid, gid)
  await chmod(directory, 0o700)
  return (await run('/bin/sh', ['-c', 'cd "$0" && test -w .', directory], { user: { uid, gid } })).ok
}

/** Stable, and different for every project. */
async function nameFor(local: string): Promise<string> {
  return `postgres-${createHash('sha256')
    .update(await realpath(local))
    .digest('hex')
    .slice(0, 16)}`
}

export function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
