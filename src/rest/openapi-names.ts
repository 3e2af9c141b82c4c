// What a resource is called in the document: `order_items` → schemas `OrderItem…`, operations `listOrderItems`, `getOrderItem`.

import { pascalCase, singular } from '../model/names.ts'
import type { Registry } from '../resource/registry.ts'

export interface ResourceNames {
  /** Schema of one record, and the beginning of the schemas that belong to it: `OrderItem`. */
  readonly one: string
  /** For operations on the collection: `OrderItems`. */
  readonly many: string
  /** For sentences: `order item`. */
  readonly oneInWords: string
  readonly manyInWords: string
}

/** By resource name. */
export type NameBook = ReadonlyMap<string, ResourceNames>

/** What follows `one` in the name of a schema. */
const suffixes = ['', 'Create', 'Replace', 'Patch', 'BulkPatch', 'Key', 'Reply', 'BulkReply', 'Page']

/**
 * Names that no two resources share, nor a resource and a schema of the document's own.
 *
 * @param taken  names of the document's own schemas
 */
export function nameResources(registry: Registry, taken: readonly string[]): NameBook {
  const schemas = new Set(taken)
  const plurals = new Set<string>()
  return new Map([...registry.resources.keys()].map((name) => [name, nameResource(name, schemas, plurals)]))
}

function nameResource(name: string, schemas: Set<string>, plurals: Set<string>): ResourceNames {
  const one = firstFree([pascalCase(singular(name)), ...numbered(pascalCase(name))], (found) =>
    suffixes.every((suffix) => !schemas.has(found + suffix)),
  )
  const many = firstFree(numbered(pascalCase(name)), (found) => !plurals.has(found))
  for (const suffix of suffixes) schemas.add(one + suffix)
  plurals.add(many)
  return { one, many, oneInWords: inWords(singular(name)), manyInWords: inWords(name) }
}

/** More than any application has resources of one name. */
const mostNamesakes = 100

/** `Items`, `Items2`, `Items3` … */
function numbered(name: string): string[] {
  return Array.from({ length: mostNamesakes }, (_, i) => (i === 0 ? name : `${name}${i + 1}`))
}

function firstFree(candidates: readonly string[], isFree: (name: string) => boolean): string {
  const found = candidates.find(isFree)
  if (found === undefined) throw new Error(`There are more than ${mostNamesakes} resources named ${candidates[0]}.`)
  return found
}

function inWords(name: string): string {
  return name.replaceAll(/[_-]+/g, ' ')
}
