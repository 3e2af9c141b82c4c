// Components that nothing refers to are left out: a document without unused parts is the one that a linter and a reader like.

import type { Part, Parts, Section } from './openapi-parts.ts'

export type Components = Readonly<Record<Section, Parts>>

/** The components that `root` needs, directly or through others, in their order. */
export function usedComponents(root: unknown, components: Components): Components {
  const used = new Set<string>()
  const waiting: unknown[] = [root]
  while (waiting.length > 0) {
    for (const ref of refsIn(waiting.pop())) {
      if (used.has(ref)) continue
      used.add(ref)
      waiting.push(componentAt(components, ref))
    }
  }
  const sections = Object.entries(components).map(([section, parts]) => [section, onlyUsed(section, parts, used)])
  return Object.fromEntries(sections)
}

function onlyUsed(section: string, parts: Parts, used: ReadonlySet<string>): Parts {
  return Object.fromEntries(Object.entries(parts).filter(([name]) => used.has(`#/components/${section}/${name}`)))
}

function componentAt(components: Components, ref: string): Part {
  const [, section = '', name = ''] = /^#\/components\/(\w+)\/([^/]+)/.exec(ref) ?? []
  const found = components[section as Section]?.[name]
  if (found === undefined) throw new Error(`The document refers to ${ref}, which it does not have.`)
  return found
}

function refsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(refsIn)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => (key === '$ref' && typeof inner === 'string' ? [inner] : refsIn(inner)))
}

/** Ways to show who one is, those that an operation takes. */
export function usedSchemes(paths: Parts, schemes: Parts = {}): { readonly securitySchemes?: Parts } {
  const operations = Object.values(paths).flatMap((item) => Object.values(item as Parts))
  const ways = operations.flatMap(({ security }) => (security ?? []) as readonly object[])
  const names = new Set(ways.flatMap((way) => Object.keys(way)))
  const used = Object.entries(schemes).filter(([name]) => names.has(name))
  return used.length === 0 ? {} : { securitySchemes: Object.fromEntries(used) }
}
