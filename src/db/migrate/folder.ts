// Migrations as they lie in the folder: NNNN_message/{up.sql,down.sql,snapshot.json}.

import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { migrateErrors } from './errors.ts'
import { emptySnapshot, type Snapshot } from './snapshot.ts'

export interface Migration {
  /** Name of the folder, and of the record in the database: `0002_add_heading`. */
  readonly revision: string
  readonly number: number
  readonly up: string
  readonly down: string
  readonly upHash: string
  readonly downHash: string
  readonly snapshot: Snapshot
}

const folderPattern = /^(\d{4,})_[A-Za-z0-9_-]+$/
const longestMessage = 60

/**
 * All migrations of a folder in the order they are applied: by number, then by name. A folder that is not there has none.
 *
 * @throws  MIGRATE_BROKEN_FOLDER
 */
export async function readMigrations(directory: string): Promise<Migration[]> {
  const names = await folderNames(directory)
  const migrations = await Promise.all(names.map((name) => readMigration(directory, name)))
  return migrations.toSorted((a, b) => a.number - b.number || (a.revision < b.revision ? -1 : 1))
}

async function folderNames(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name)
  } catch (error) {
    if (isMissingFile(error)) return []
    throw error
  }
}

function isMissingFile(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

async function readMigration(directory: string, revision: string): Promise<Migration> {
  const number = folderPattern.exec(revision)?.[1]
  if (number === undefined) throw migrateErrors.BROKEN_FOLDER(revision, 'its name is not NNNN_message')
  const [up, down, snapshot] = await Promise.all(['up.sql', 'down.sql', 'snapshot.json'].map((file) => readPart(directory, revision, file)))
  if (up === undefined || down === undefined || snapshot === undefined) throw migrateErrors.BROKEN_FOLDER(revision, 'a file is missing')
  return {
    revision,
    number: Number(number),
    up,
    down,
    upHash: hashOf(up),
    downHash: hashOf(down),
    snapshot: parseSnapshot(revision, snapshot),
  }
}

async function readPart(directory: string, revision: string, file: string): Promise<string> {
  try {
    return await readFile(join(directory, revision, file), 'utf8')
  } catch (error) {
    throw migrateErrors
      .BROKEN_FOLDER(revision, isMissingFile(error) ? `${file} is missing` : `${file} cannot be read`)
      .with({ cause: error })
  }
}

function parseSnapshot(revision: string, text: string): Snapshot {
  try {
    const snapshot: Snapshot = JSON.parse(text)
    if (typeof snapshot.id === 'string' && Array.isArray(snapshot.prevIds) && Array.isArray(snapshot.ddl)) return snapshot
  } catch (error) {
    throw migrateErrors.BROKEN_FOLDER(revision, 'snapshot.json is not JSON').with({ cause: error })
  }
  throw migrateErrors.BROKEN_FOLDER(revision, 'snapshot.json is not a snapshot')
}

/** SHA-256 in hex; line ends do not count, because git may have changed them. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex')
}

/** Migrations that no other was made from. One, unless branches were merged. */
export function headsOf(migrations: readonly Migration[]): Migration[] {
  const parents = new Set(migrations.flatMap(({ snapshot }) => snapshot.prevIds))
  return migrations.filter(({ snapshot }) => !parents.has(snapshot.id))
}

/**
 * The state after the last migration.
 *
 * @throws  MIGRATE_BRANCHED when there are several last ones
 */
export function lastSnapshot(migrations: readonly Migration[]): Snapshot {
  const heads = headsOf(migrations)
  if (heads.length > 1) throw migrateErrors.BRANCHED(heads.map(({ revision }) => revision))
  return heads[0]?.snapshot ?? emptySnapshot
}

/** `Add heading!` → `add_heading` */
export function slugOf(message: string): string {
  const slug = message
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
  return slug.slice(0, longestMessage).replaceAll(/^_+|_+$/g, '') || 'migration'
}

export interface MigrationFiles {
  readonly up: string
  readonly down: string
  readonly snapshot: Snapshot
}

/** Writes one folder; it is complete or not there at all. */
export async function writeFolder(directory: string, revision: string, files: MigrationFiles): Promise<void> {
  // Not mkdtemp, which lets nobody else read the folder: in an image another user does.
  const draft = join(directory, `.draft-${randomBytes(6).toString('hex')}`)
  await mkdir(draft, { recursive: true })
  try {
    await writeFile(join(draft, 'up.sql'), files.up)
    await writeFile(join(draft, 'down.sql'), files.down)
    await writeFile(join(draft, 'snapshot.json'), snapshotText(files.snapshot))
    await rename(draft, join(directory, revision))
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
}

/** One entity a line, so that a diff shows what changed. */
function snapshotText({ ddl, ...head }: Snapshot): string {
  const opening = JSON.stringify(head, null, 2).replace(/\n\}$/, '')
  return `${opening},\n  "ddl": [\n${ddl.map((entity) => `    ${JSON.stringify(entity)}`).join(',\n')}\n  ]\n}\n`
}
