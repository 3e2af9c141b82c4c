// Holds the public surface: the "exports" of package.json are the doors of src/, and what each door declares is kept as text under
// test/golden/doors/, so that a change of surface is seen in review. `--update` writes the new text.

import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { publicSurface } from './public-surface.ts'
import { report } from './report.ts'
import { root } from './source-files.ts'

const golden = join(root, 'test/golden/doors')
const program = join(root, 'node_modules/.bin/tsc')

/** What must be said about the `exports` of a package.json whose doors are these names; `index` is the package's own name. */
export function exportProblems(exports: Readonly<Record<string, unknown>>, doors: readonly string[]): string[] {
  const wanted = new Map(doors.map((door) => [door === 'index' ? '.' : `./${door}`, exportOf(door)]))
  const listed = Object.keys(exports).filter((key) => key !== './package.json')
  return [
    ...listed.filter((key) => !wanted.has(key)).map((key) => `package.json: exports["${key}"] has no door in src/.`),
    ...[...wanted]
      .filter(([key, value]) => JSON.stringify(exports[key]) !== JSON.stringify(value))
      .map(([key, value]) => `package.json: exports["${key}"] must be ${JSON.stringify(value)}.`),
  ]
}

function exportOf(door: string): Record<string, string> {
  return { source: `./src/${door}.ts`, types: `./dist/${door}.d.ts`, default: `./dist/${door}.js` }
}

/** Writes every door's surface (update) or compares it with what is kept. */
function surfaceProblems(doors: readonly string[], update: boolean): string[] {
  const declarations = mkdtempSync(join(tmpdir(), 'plinth-doors-'))
  try {
    emitDeclarations(declarations)
    const surfaces = new Map(doors.map((door) => [`${door}.txt`, publicSurface(join(declarations, `${door}.d.ts`))]))
    return update ? keep(surfaces) : differences(surfaces)
  } finally {
    rmSync(declarations, { recursive: true })
  }
}

/** Type errors are the types check's matter; declarations come out all the same. */
function emitDeclarations(folder: string): void {
  const flags = ['--emitDeclarationOnly', '--noEmitOnError', 'false', '--outDir', folder, '--tsBuildInfoFile', join(folder, 'build.json')]
  const { error } = spawnSync(program, ['-p', join(root, 'tsconfig.json'), ...flags], { stdio: 'ignore', timeout: 120_000 })
  if (error !== undefined) throw error
}

function keep(surfaces: ReadonlyMap<string, string>): string[] {
  rmSync(golden, { recursive: true, force: true })
  mkdirSync(golden, { recursive: true })
  for (const [name, text] of surfaces) writeFileSync(join(golden, name), text)
  return []
}

function differences(surfaces: ReadonlyMap<string, string>): string[] {
  const kept = globSync('*.txt', { cwd: golden })
  const changed = [...surfaces].filter(([name, text]) => keptText(name) !== text).map(([name]) => name)
  const gone = kept.filter((name) => !surfaces.has(name))
  return [...changed, ...gone].map(
    (name) => `The public surface differs from test/golden/doors/${name}: if that is meant, run "node tools/check-doors.ts --update".`,
  )
}

function keptText(name: string): string | undefined {
  const file = join(golden, name)
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

if (import.meta.main) {
  const doors = globSync('src/*.ts', { cwd: root })
    .map((file) => basename(file, '.ts'))
    .toSorted()
  const { exports }: { exports: Record<string, unknown> } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const problems = [...exportProblems(exports, doors), ...surfaceProblems(doors, process.argv.includes('--update'))]
  report(problems, `${doors.length} doors, each exported and with the surface that is kept`)
}
