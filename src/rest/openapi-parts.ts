// The small pieces that every part of the document is made of.

import type { JsonSchema } from '../model/kinds/kind.ts'

/** A piece of an OpenAPI document: plain JSON. */
export type Part = JsonSchema
export type Parts = Readonly<Record<string, Part>>

export type Section = 'schemas' | 'parameters' | 'headers' | 'responses'

/** A reference to a component. */
export function refTo(section: Section, name: string): Part {
  return { $ref: `#/components/${section}/${name}` }
}

export function schemaRef(name: string): Part {
  return refTo('schemas', name)
}

/** A body of JSON, with examples by name. */
export function jsonBody(schema: Part, examples?: Parts): Part {
  return { 'application/json': { schema, ...(examples === undefined ? {} : { examples }) } }
}

/** An example that one word names. */
export function example(summary: string, value: unknown): Part {
  return { summary, value }
}

/** `a`, `b` and `c`. */
export function enumerate(words: readonly string[]): string {
  const quoted = words.map((word) => `\`${word}\``)
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} and ${quoted.at(-1)}`
}
