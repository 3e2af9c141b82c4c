// Writes a new resource into an application, and the migration that makes its table.

import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { plural } from '../model/names.ts'
import { parseColumn } from './generate/field-words.ts'
import { type GeneratedFile, renderResource } from './generate/render-resource.ts'
import { findRoot } from './load-app.ts'
import { print, UsageError } from './output.ts'
import { runPlinth } from './run-plinth.ts'

export async function generateResource(name: string, fields: readonly string[], withMigration: boolean): Promise<void> {
  const root = findRoot()
  const table = plural(name)
  if (!/^[a-z][a-z0-9_]*$/.test(name))
    throw new UsageError(`"${name}" is not a resource name. Write small letters, digits and "_": order_item`)
  const files = renderResource(
    table,
    fields.map((field) => parseColumn(field, plural)),
  )
  const present = files.filter(({ path }) => existsSync(join(root, path)))
  if (present.length > 0) throw new UsageError(`Nothing was written: ${present.map(({ path }) => path).join(', ')} is there already.`)
  for (const file of files) await writeNew(root, file)
  await addToIndex(root, 'api/models/index.ts', `export * from './${table}.ts'`)
  await addToIndex(root, 'api/resources/index.ts', `export { default as ${table} } from './${table}.ts'`)
  if (withMigration) process.exitCode = await runPlinth(root, ['db', 'migrate', '-m', `create ${table}`])
  print(`Next: plinth db upgrade, then look at /docs.`)
}

async function writeNew(root: string, { path, content }: GeneratedFile): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), content, { flag: 'wx' })
  print(`  new      ${path}`)
}

/** The index files are what `api/app.ts` imports, so that a new file takes part without touching it. */
async function addToIndex(root: string, path: string, line: string): Promise<void> {
  const file = join(root, path)
  if (!existsSync(file)) return print(`  missing  ${path}: add ${line}`)
  const content = await readFile(file, 'utf8')
  if (content.includes(line)) return
  await writeFile(file, `${content.trimEnd()}\n${line}\n`.trimStart())
  print(`  changed  ${path}`)
}
