// What a caller of a door can see, as text: each exported name with its declaration, without comments, sorted by name.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Declaration, ExportNamedDeclaration, ExportSpecifier, ModuleExportName } from 'oxc-parser'
import { parseSource, type SourceFile } from './source-files.ts'

/**
 * @param file  a door's declarations, as the compiler wrote them
 * @returns     one block per name; names of other packages as the line that takes them from there
 */
export function publicSurface(file: string): string {
  const blocks = statementsOf(read(file)).flatMap((statement) => statement.specifiers.map((one) => surfaceOf(file, statement, one)))
  return `${blocks.toSorted().join('\n\n')}\n`
}

function surfaceOf(file: string, statement: ExportNamedDeclaration, specifier: ExportSpecifier): string {
  const from = statement.source?.value
  const name = nameOf(specifier.local)
  const exported = nameOf(specifier.exported)
  if (from === undefined || !from.startsWith('.')) return `${exported}: ${name === exported ? '' : `${name} `}from '${from ?? 'this file'}'`
  return `${exported}:\n${declarationOf(declarationFile(file, from), name)}`
}

/** Follows re-exports until the name is declared; overloads come together. */
function declarationOf(file: string, name: string): string {
  const source = read(file)
  const declared = statementsOf(source).filter((statement) => namesIn(statement.declaration).includes(name))
  if (declared.length > 0) return declared.map((statement) => withoutComments(source, statement)).join('\n')
  const again = statementsOf(source).find((statement) => statement.specifiers.some((one) => nameOf(one.exported) === name))
  const specifier = again?.specifiers.find((one) => nameOf(one.exported) === name)
  if (again === undefined || specifier === undefined) throw new Error(`${file} does not export "${name}".`)
  return surfaceOf(file, again, specifier)
}

function statementsOf(source: SourceFile): ExportNamedDeclaration[] {
  return source.syntax.program.body.filter((statement) => statement.type === 'ExportNamedDeclaration')
}

function namesIn(declaration: Declaration | null): string[] {
  if (declaration === null || !('id' in declaration || 'declarations' in declaration)) return []
  const ids = 'declarations' in declaration ? declaration.declarations.map((one) => one.id) : [declaration.id]
  return ids.flatMap((id) => (id?.type === 'Identifier' ? [id.name] : []))
}

function withoutComments(source: SourceFile, { start, end }: { start: number; end: number }): string {
  const inside = source.syntax.comments.filter((comment) => comment.start >= start && comment.end <= end)
  const text = inside.reduceRight((rest, one) => rest.slice(0, one.start) + rest.slice(one.end), source.text.slice(0, end)).slice(start)
  return text.replaceAll(/^\s*\n/gm, '').trimEnd()
}

function nameOf(name: ModuleExportName): string {
  return name.type === 'Literal' ? name.value : name.name
}

/** `./db/pool.ts` and `./db/pool.js` are both declared in `./db/pool.d.ts`. */
function declarationFile(from: string, specifier: string): string {
  return join(dirname(from), specifier.replace(/\.[jt]s$/, '.d.ts'))
}

const sources = new Map<string, SourceFile>()

function read(file: string): SourceFile {
  if (!existsSync(file)) throw new Error(`The compiler wrote no ${file}: see the types check.`)
  const known = sources.get(file) ?? parseSource(file, readFileSync(file, 'utf8'))
  sources.set(file, known)
  return known
}
