// JSON Schemas of custom routes: bodies are taken as they are, everything that arrives as text is converted to its declared type.
// Resources do without, and loading Ajv is a quarter of the time to start: it is loaded when the first schema comes.

import { createRequire } from 'node:module'
import type ajvCompiler from '@fastify/ajv-compiler'
import type { FastifySchemaCompiler, FastifySerializerCompiler, FastifyServerOptions } from 'fastify'

type Compilers = NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>

const requireHere = createRequire(import.meta.url)

/** What Fastify would otherwise load for itself, at once. It asks with the shared schemas of a plugin, before its first route with a schema. */
export const schemaCompilers = {
  buildValidator: (shared: unknown) => (part: Part) => validatorOf(shared, part),
  buildSerializer: (shared: unknown, options: unknown) => (part: never) => serializers()(shared, options)(part),
} as Compilers

type Part = Parameters<FastifySchemaCompiler<unknown>>[0]

/**
 * `true` and `"true"` are different in a body and the same in a query; a field that no schema declares is refused where
 * the schema says `additionalProperties: false`, never dropped silently.
 */
function validatorOf(shared: unknown, part: Part): ReturnType<FastifySchemaCompiler<unknown>> {
  const coerceTypes = part.httpPart === 'body' ? false : 'array'
  const customOptions = { removeAdditional: false, useDefaults: true, allErrors: false, verbose: true, coerceTypes } as const
  // The declared type says "a schema"; the function takes the whole description of the route part (ajv-compiler 4.0.7, lib/validator-compiler.js).
  const compile = validators()(shared as never, { customOptions }) as unknown as FastifySchemaCompiler<unknown>
  return compile(part)
}

type Serializers = (shared: unknown, options: unknown) => FastifySerializerCompiler<unknown>

let loadedValidators: ReturnType<typeof ajvCompiler> | undefined
let loadedSerializers: Serializers | undefined

function validators(): ReturnType<typeof ajvCompiler> {
  loadedValidators ??= (requireHere('@fastify/ajv-compiler') as { readonly default: typeof ajvCompiler }).default()
  return loadedValidators
}

/** Fastify's own: found from where Fastify is, because it is its dependency and not ours. */
function serializers(): Serializers {
  const requireThere = createRequire(requireHere.resolve('fastify'))
  loadedSerializers ??= (requireThere('@fastify/fast-json-stringify-compiler') as () => Serializers)()
  return loadedSerializers
}
