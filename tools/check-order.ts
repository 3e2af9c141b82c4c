// Holds the shape of src/: rooms import only rooms above them in the table of ARCHITECTURE.md, never a door; each library has its
// owners; no ring of imports; one reader of the environment; named exports only. Learned from projects that found their rings too late.

import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, posix } from 'node:path'
import type { Node, ObjectPattern, Statement } from 'oxc-parser'
import { libraryOwners } from './library-owners.ts'
import { report } from './report.ts'
import { isTest, lineOf, root, sourceFiles, walk, type Import, type SourceFile } from './source-files.ts'

const environmentReader = 'src/core/env.ts'

/** Names of the rooms, top first, as the first table of ARCHITECTURE.md lists them. */
export function roomOrder(architecture: string): string[] {
  const [, ...rows] = architecture.split(/^\| room \|.*$/m)[1]?.split('\n') ?? []
  const table = rows.slice(
    0,
    rows.findIndex((row) => !row.startsWith('|')),
  )
  return table.flatMap((row) => row.split('|')[1]?.trim().split(' · ') ?? []).filter((name) => /^[a-z]+$/.test(name))
}

/** Everything that is wrong with the order of these files. Tests may reach anywhere. */
export function orderProblems(files: readonly SourceFile[], rooms: readonly string[]): string[] {
  const product = files.filter((file) => !isTest(file.path))
  return [
    ...product.flatMap((file) => file.imports.flatMap((one) => importProblems(file, one, rooms))),
    ...product.flatMap(exportProblems),
    ...product.flatMap(environmentProblems),
    ...ringProblems(product),
  ]
}

function importProblems(file: SourceFile, { specifier, line, kind }: Import, rooms: readonly string[]): string[] {
  const room = roomOf(file.path)
  const place = `${file.path}:${line}`
  if (room !== undefined && !rooms.includes(room)) return [`${place} The room "${room}" is not in the table of ARCHITECTURE.md.`]
  const problem = specifier.startsWith('.') ? moveProblem(file.path, specifier, rooms) : libraryProblem(room, specifier, kind)
  return problem === undefined ? [] : [`${place} ${problem}`]
}

function moveProblem(from: string, specifier: string, rooms: readonly string[]): string | undefined {
  const room = roomOf(from)
  const target = resolve(from, specifier)
  const targetRoom = roomOf(target)
  if (!target.startsWith('src/')) return `${specifier} is outside src/, so it is not in the published package.`
  if (room === undefined) return undefined
  if (targetRoom === undefined) return `A room imports no door: ${target}.`
  if (rooms.indexOf(targetRoom) > rooms.indexOf(room)) return `"${room}" stands above "${targetRoom}" and may not import ${target}.`
  return undefined
}

function libraryProblem(room: string | undefined, specifier: string, kind: Import['kind']): string | undefined {
  const name = packageName(specifier)
  if (name === 'plinth') return room === undefined ? undefined : `A room imports no door: ${specifier}.`
  if (isBuiltin(specifier) || kind === 'type') return undefined
  const owners = libraryOwners[name]
  if (owners === undefined) return `"${name}" has no owner in tools/library-owners.ts.`
  if (room !== undefined && !owners.includes(room))
    return `"${name}" belongs to ${owners.join(', ') || 'no room'}: use what that room exports.`
  return undefined
}

function exportProblems(file: SourceFile): string[] {
  return file.syntax.program.body.flatMap((statement) => {
    const place = `${file.path}:${lineOf(file.text, statement.start)}`
    if (statement.type === 'ExportAllDeclaration') return [`${place} "export *" hides what is public: name each export.`]
    return isDefaultExport(statement) ? [`${place} A default export has no name to search for: name it.`] : []
  })
}

function isDefaultExport(statement: Statement): boolean {
  if (statement.type === 'ExportDefaultDeclaration') return true
  return statement.type === 'ExportNamedDeclaration' && statement.specifiers.some(({ exported }) => isNamed(exported, 'default'))
}

function environmentProblems(file: SourceFile): string[] {
  if (file.path === environmentReader) return []
  const places: number[] = []
  walk(file.syntax.program, (node) => {
    if (readsEnvironment(node)) places.push(node.start)
  })
  return places.map((start) => `${file.path}:${lineOf(file.text, start)} Only ${environmentReader} reads the environment.`)
}

/** `process.env`, `process['env']`, `const { env } = process`, `import { env } from 'node:process'`. */
function readsEnvironment(node: Node): boolean {
  if (node.type === 'MemberExpression') return isNamed(node.object, 'process') && isNamed(node.property, 'env')
  if (node.type === 'VariableDeclarator') return isNamed(node.init, 'process') && node.id.type === 'ObjectPattern' && takesEnv(node.id)
  if (node.type !== 'ImportDeclaration' || !/^(node:)?process$/.test(node.source.value)) return false
  return node.specifiers.some((one) => one.type === 'ImportSpecifier' && isNamed(one.imported, 'env'))
}

function takesEnv(pattern: ObjectPattern): boolean {
  return pattern.properties.some((property) => property.type === 'RestElement' || isNamed(property.key, 'env'))
}

/** An identifier or a string with this text. */
function isNamed(node: Node | null, text: string): boolean {
  if (node?.type === 'Identifier') return node.name === text
  return node?.type === 'Literal' && node.value === text
}

/** One line for each ring of imports that must be loaded before each other. */
function ringProblems(files: readonly SourceFile[]): string[] {
  const needs = new Map(files.map((file) => [file.path, valueTargets(file)]))
  const done = new Set<string>()
  const problems: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path)
    if (at >= 0) problems.push(`A ring of imports: ${[...trail.slice(at), path].join(' → ')}`)
    if (at >= 0 || done.has(path)) return
    for (const target of needs.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of needs.keys()) visit(path, [])
  return problems
}

function valueTargets(file: SourceFile): string[] {
  const needed = file.imports.filter((one) => one.kind === 'value' && one.specifier.startsWith('.'))
  return needed.map((one) => resolve(file.path, one.specifier))
}

function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier)
}

/** Undefined for a door, which is a file directly in src/. */
function roomOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1]
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** Dependencies that nobody has placed, and lines for dependencies that are gone. */
function ownerProblems(): string[] {
  const manifest: Record<string, Record<string, string>> = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const used = Object.keys({ ...manifest['dependencies'], ...manifest['peerDependencies'] })
  const placed = Object.keys(libraryOwners)
  return [
    ...used.filter((name) => !placed.includes(name)).map((name) => `package.json: "${name}" has no owner in tools/library-owners.ts.`),
    ...placed.filter((name) => !used.includes(name)).map((name) => `tools/library-owners.ts: "${name}" is not a dependency.`),
  ]
}

if (import.meta.main) {
  const files = sourceFiles()
  const rooms = roomOrder(readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8'))
  report([...orderProblems(files, rooms), ...ownerProblems()], `${files.length} files in ${rooms.length} rooms keep the order`)
}
