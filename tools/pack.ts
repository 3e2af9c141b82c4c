// Makes the published package: compiled files and a manifest without what only the repository needs.
// The repository's own manifest stays private, so that nothing is published by accident.

import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')

type Manifest = Record<string, unknown> & { exports: Record<string, string | Record<string, string>>; files: string[] }

/** The Node of the repository, which users bring themselves. */
const repositoryNode = /^node-/
const repositoryOnly = ['private', 'workspaces', 'scripts', 'devDependencies', 'allowScripts']

/** @param manifest  the repository's package.json; its `source` conditions point to files that are not published */
export function publishedManifest(manifest: Manifest): Manifest {
  const kept = Object.entries(manifest).filter(([key]) => !repositoryOnly.includes(key))
  const optional = Object.entries(manifest['optionalDependencies'] ?? {}).filter(([name]) => !repositoryNode.test(name))
  const exports = Object.entries(manifest.exports).map(([key, target]) => [
    key,
    typeof target === 'string' ? target : withoutSource(target),
  ])
  return {
    ...Object.fromEntries(kept),
    files: manifest.files,
    optionalDependencies: Object.fromEntries(optional),
    exports: Object.fromEntries(exports),
  }
}

function withoutSource(conditions: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(conditions).filter(([condition]) => condition !== 'source'))
}

/**
 * Builds and packs.
 *
 * @param folder  emptied; gets `package/` with the files and the archive beside it
 * @returns       path of the archive
 * @throws        Error when the sources do not compile
 */
export function packPackage(folder: string): string {
  const stage = join(folder, 'package')
  const manifest: Manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(stage, { recursive: true })
  compile(join(stage, 'dist'))
  for (const name of [...manifest.files.filter((name) => name !== 'dist'), 'README.md', 'LICENSE']) copy(name, stage)
  writeFileSync(join(stage, 'package.json'), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`)
  const packed: { filename: string }[] = JSON.parse(npm(['pack', stage, '--json', '--ignore-scripts', '--pack-destination', folder]))
  const [archive] = packed
  if (archive === undefined) throw new Error('npm pack made no archive.')
  return join(folder, archive.filename)
}

/** The compiler takes TypeScript only; what else stands in src/ (pages, styles) goes along as it is. */
function compile(dist: string): void {
  const flags = ['-p', root, '--outDir', dist, '--composite', 'false', '--incremental', 'false', '--sourceMap', 'false']
  execFileSync(join(root, 'node_modules/.bin/tsc'), flags, { stdio: 'inherit', timeout: 300_000 })
  for (const path of globSync('**/*.*', { cwd: join(root, 'src'), exclude: ['**/*.ts'] })) {
    mkdirSync(dirname(join(dist, path)), { recursive: true })
    cpSync(join(root, 'src', path), join(dist, path))
  }
}

function copy(name: string, stage: string): void {
  if (existsSync(join(root, name))) cpSync(join(root, name), join(stage, name), { recursive: true })
}

function npm(args: readonly string[]): string {
  return execFileSync('npm', [...args, '--loglevel=error'], { cwd: root, encoding: 'utf8', timeout: 120_000 })
}
