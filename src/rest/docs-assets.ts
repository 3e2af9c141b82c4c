// The files of the reference page, served by the application itself under names that change with their content.

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

export interface Asset {
  readonly type: string
  readonly plain: Buffer
  readonly gzipped: Buffer
}

/** The page's files: where each is, and the assets by the last part of their address. */
export interface DocsAssets {
  /** File name → path: `page.css` → `/docs/assets/page.3f2a9c01b7.css`. */
  readonly paths: Readonly<Record<AssetName, string>>
  readonly byName: ReadonlyMap<string, Asset>
}

export type AssetName = 'swagger-ui.css' | 'swagger-ui-bundle.js' | 'page.css' | 'element.js' | 'account.js' | 'page.js'

// Both this file and what is built from it lie two folders below the package.
const own = (name: string): string => fileURLToPath(new URL(`../../assets/docs/${name}`, import.meta.url))

/**
 * Swagger UI comes out of a package of Fastify's: its own, swagger-ui-dist, reports every installation to a third party.
 * The files are addressed by the package, not imported: they run in browsers.
 */
const require = createRequire(import.meta.url)

/** What a file imports stands before it. */
const files: Readonly<Record<AssetName, () => string>> = {
  'swagger-ui.css': () => require.resolve('@fastify/swagger-ui/static/swagger-ui.css'),
  'swagger-ui-bundle.js': () => require.resolve('@fastify/swagger-ui/static/swagger-ui-bundle.js'),
  'page.css': () => own('page.css'),
  'element.js': () => own('element.js'),
  'account.js': () => own('account.js'),
  'page.js': () => own('page.js'),
}

const types: Readonly<Record<string, string>> = { css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8' }

/** Reads and compresses all files: 2 MB, 0.1 s. */
export async function readAssets(folder: string): Promise<DocsAssets> {
  const read = await Promise.all(Object.entries(files).map(async ([name, place]) => ({ name, plain: await readFile(place()) })))
  const named = withHashes(read)
  const assets = await Promise.all(named.map(async ({ hashed, plain }) => [hashed, await assetOf(hashed, plain)] as const))
  return {
    paths: Object.fromEntries(named.map(({ name, hashed }) => [name, `${folder}/${hashed}`])) as Record<AssetName, string>,
    byName: new Map(assets),
  }
}

interface NamedFile {
  readonly name: string
  readonly hashed: string
  readonly plain: Buffer
}

/** A file that imports another one names it as it is served, so that it changes with it. */
function withHashes(read: readonly { readonly name: string; readonly plain: Buffer }[]): NamedFile[] {
  const done: NamedFile[] = []
  for (const { name, plain } of read) {
    const linked = importsHashed(name, plain, done)
    const hash = createHash('sha256').update(linked).digest('hex').slice(0, 10)
    done.push({ name, hashed: name.replace(/\.(\w+)$/, `.${hash}.$1`), plain: linked })
  }
  return done
}

function importsHashed(name: string, plain: Buffer, before: readonly NamedFile[]): Buffer {
  // What is not ours imports nothing, and is large.
  if (!name.endsWith('.js') || name === 'swagger-ui-bundle.js') return plain
  return Buffer.from(before.reduce((text, file) => text.replaceAll(`from './${file.name}'`, `from './${file.hashed}'`), plain.toString()))
}

async function assetOf(name: string, plain: Buffer): Promise<Asset> {
  const type = types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
  return { type, plain, gzipped: await promisify(gzip)(plain) }
}
