// The TypeScript files of the repository as the checks need them: what each imports and exports, and its syntax tree.

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync, type Node, type ParseResult } from 'oxc-parser'

export const root = join(import.meta.dirname, '..')

export interface Import {
  readonly specifier: string
  readonly line: number
  /** `type` disappears at run time, `later` is an `import()` that runs when it is reached. */
  readonly kind: 'value' | 'type' | 'later'
}

export interface SourceFile {
  /** From the repository's folder, with forward slashes: `src/db/pool.ts`. */
  readonly path: string
  readonly text: string
  readonly syntax: ParseResult
  readonly imports: readonly Import[]
}

/** The files that match, tests included, sorted by path. */
export function sourceFiles(pattern = 'src/**/*.ts'): SourceFile[] {
  const paths = globSync(pattern, { cwd: root }).map((path) => path.replaceAll('\\', '/'))
  return paths.toSorted().map((path) => parseSource(path, readFileSync(join(root, path), 'utf8')))
}

/** @throws Error when the text is not TypeScript */
export function parseSource(path: string, text: string): SourceFile {
  const syntax = parseSync(path, text)
  const [mistake] = syntax.errors
  if (mistake !== undefined) throw new Error(`${path}: ${mistake.message}`)
  return { path, text, syntax, imports: [...importsAtTop(syntax, text), ...reexports(syntax, text), ...importsInside(syntax, text)] }
}

function importsAtTop(syntax: ParseResult, text: string): Import[] {
  return syntax.module.staticImports.map(({ start, moduleRequest, entries }) => ({
    specifier: moduleRequest.value,
    line: lineOf(text, start),
    kind: entries.length > 0 && entries.every((entry) => entry.isType) ? 'type' : 'value',
  }))
}

function reexports(syntax: ParseResult, text: string): Import[] {
  return syntax.module.staticExports.flatMap(({ start, entries }) => {
    const [first] = entries
    if (first?.moduleRequest == null) return []
    const kind = entries.every((entry) => entry.isType) ? 'type' : 'value'
    return [{ specifier: first.moduleRequest.value, line: lineOf(text, start), kind } as const]
  })
}

/** `import('x')` as an expression and as a type. */
function importsInside(syntax: ParseResult, text: string): Import[] {
  const found: Import[] = []
  walk(syntax.program, (node) => {
    if (node.type !== 'ImportExpression' && node.type !== 'TSImportType') return
    if (node.source.type !== 'Literal' || typeof node.source.value !== 'string') return
    found.push({ specifier: node.source.value, line: lineOf(text, node.start), kind: node.type === 'TSImportType' ? 'type' : 'later' })
  })
  return found
}

/** Calls `visit` for every node of a tree, parents first. */
export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node)
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) walk(child, visit)
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** Counted from 1. */
export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts')
}
