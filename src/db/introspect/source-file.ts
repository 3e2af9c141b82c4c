// A generated file while it is written: its imports are collected by use.

import { quoteString } from './names.ts'

export class SourceFile {
  readonly #imports = new Map<string, Set<string>>()

  /** Notes that a name is imported from a module, and returns it. `type X` imports a type. */
  use(module: string, name: string): string {
    const names = this.#imports.get(module) ?? new Set()
    this.#imports.set(module, names.add(name))
    return name.replace(/^type /, '')
  }

  /** The file: one line what it is, imports (packages first), body. */
  text(header: string, body: string): string {
    const modules = [...this.#imports].toSorted(([a], [b]) => Number(a.startsWith('.')) - Number(b.startsWith('.')) || (a < b ? -1 : 1))
    const lines = modules.map(([module, names]) => `import { ${[...names].toSorted(byName).join(', ')} } from ${quoteString(module)}\n`)
    return `// ${header}\n\n${lines.join('')}${lines.length > 0 ? '\n' : ''}${body}`
  }
}

function byName(a: string, b: string): number {
  return a.replace(/^type /, '').localeCompare(b.replace(/^type /, ''), 'en')
}
