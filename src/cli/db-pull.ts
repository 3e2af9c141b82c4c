// `plinth db pull`: models, resources and a first migration out of a database that is there, and an application around them.

import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { loadConfig } from '../core/env.ts'
import type { Connection } from '../db/migrate/connection.ts'
import { readMigrations } from '../db/migrate/folder.ts'
import { stamp } from '../db/migrate/stamp.ts'
import { writePulled } from '../db/introspect/pull.ts'
import { readSchema } from '../db/introspect/read-schema.ts'
import { type GeneratedFile, renderModels } from '../db/introspect/render-models.ts'
import { connected } from './connection.ts'
import { print, UsageError } from './output.ts'

export interface PullFlags {
  readonly schema: readonly string[]
  readonly force?: boolean
}

/** @param url  the database; default: the one this folder's configuration names */
export async function pullDatabase(url: string | undefined, { schema, force = false }: PullFlags): Promise<void> {
  const root = resolve(process.cwd())
  const config = loadConfig(root)
  const options = schema.length === 0 ? {} : { schemas: schema }
  await connected(url === undefined ? config : { ...config, database: { ...config.database, url } }, async (client) => {
    const found = await readSchema(client, options)
    if (found.relations.length === 0) throw new UsageError('There is no table and no view in this database.')
    await writeFiles(root, renderModels(found), force)
    await writeApplication(root)
    await recordPulled(root, client, options)
  })
  print('Next: set DATABASE_URL to this database, then plinth dev.')
}

/** All or nothing as far as overwriting goes: a model that somebody has edited is not lost to a pull. */
async function writeFiles(root: string, files: readonly GeneratedFile[], force: boolean): Promise<void> {
  const present = files.filter(({ path }) => existsSync(join(root, path)))
  if (present.length > 0 && !force) {
    const names = present.slice(0, 5).map(({ path }) => path)
    throw new UsageError(
      `Nothing was written: ${names.join(', ')}${present.length > 5 ? ' …' : ''} would be overwritten. If that is meant: --force`,
    )
  }
  for (const { path, content } of files) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
  print(`  new  ${files.length} files in api/models/ and api/resources/`)
}

async function writeApplication(root: string): Promise<void> {
  const file = join(root, 'api/app.ts')
  if (existsSync(file)) return
  await writeFile(file, applicationText(basename(root)))
  print('  new  api/app.ts')
}

function applicationText(name: string): string {
  return `import { defineApp } from 'plinth'
import * as models from './models/index.ts'
import * as resources from './resources/index.ts'

export default defineApp({ name: ${JSON.stringify(name)}, models, resources })
`
}

/** The first migration is the database as it was found; it counts as applied there. */
async function recordPulled(root: string, client: Connection, options: { readonly schemas?: readonly string[] }): Promise<void> {
  const directory = join(root, 'migrations')
  if ((await readMigrations(directory)).length > 0)
    return print('Migrations are there already: write the difference with plinth db migrate.')
  const models = (await import(pathToFileURL(join(root, 'api/models/index.ts')).href)) as Readonly<Record<string, unknown>>
  const revision = await writePulled(directory, client, models, options)
  await stamp(client, directory, revision)
  print(`  new  migrations/${revision}/, recorded as applied`)
}
