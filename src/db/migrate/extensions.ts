// Which PostgreSQL extensions a schema needs, told by the types, operator classes and functions it uses.

import { entitiesOf, mentions, type Entity } from './snapshot.ts'

const byType: Readonly<Record<string, string>> = {
  citext: 'citext',
  hstore: 'hstore',
  ltree: 'ltree',
  lquery: 'ltree',
  cube: 'cube',
  isbn: 'isn',
  ean13: 'isn',
  vector: 'vector',
  halfvec: 'vector',
  sparsevec: 'vector',
  geometry: 'postgis',
  geography: 'postgis',
}

const byOperatorClass: readonly (readonly [pattern: RegExp, extension: string])[] = [
  [/_trgm_ops$/, 'pg_trgm'],
  [/^(vector|halfvec|sparsevec)_/, 'vector'],
  [/^gist_ltree_ops|ltree_ops$/, 'ltree'],
  [/_hstore_ops$/, 'hstore'],
]

const byFunction: Readonly<Record<string, string>> = {
  uuid_generate_v1: 'uuid-ossp',
  uuid_generate_v4: 'uuid-ossp',
  gen_random_bytes: 'pgcrypto',
  crypt: 'pgcrypto',
  gen_salt: 'pgcrypto',
  digest: 'pgcrypto',
  unaccent: 'unaccent',
  similarity: 'pg_trgm',
}

/** Names of the extensions, sorted. An extension that nothing here hints at has to be created by hand in the migration. */
export function extensionsOf(ddl: readonly Entity[]): string[] {
  const names = [
    ...entitiesOf(ddl, 'columns').flatMap(({ type }) => byType[type.toLowerCase().replace(/\(.*$/, '')] ?? []),
    ...operatorClasses(ddl),
    ...functions(ddl),
  ]
  return [...new Set(names)].toSorted()
}

const creation = /^\s*CREATE EXTENSION (?:IF NOT EXISTS )?"?([\w-]+)"?/gim

/** Those of the entities, and those that migrations create by name. */
export function extensionsNeeded(migrations: readonly { readonly up: string }[], ddl: readonly Entity[]): string[] {
  const named = migrations.flatMap(({ up }) => [...up.matchAll(creation)].map(([, name = '']) => name))
  return [...new Set([...extensionsOf(ddl), ...named])].toSorted()
}

function operatorClasses(ddl: readonly Entity[]): string[] {
  const indexed = entitiesOf(ddl, 'indexes').flatMap(({ columns }) => columns)
  const names = indexed.flatMap(({ opclass, value, isExpression }) => [
    ...(opclass ? [opclass.name] : []),
    ...(isExpression ? value.split(/\s+/) : []),
  ])
  return names.flatMap((name) => byOperatorClass.find(([pattern]) => pattern.test(name))?.[1] ?? [])
}

function functions(ddl: readonly Entity[]): string[] {
  const texts = ddl.flatMap(textsOf)
  return Object.entries(byFunction).flatMap(([name, extension]) => (texts.some((text) => mentions(text, name)) ? [extension] : []))
}

function textsOf(entity: Entity): (string | null)[] {
  switch (entity.entityType) {
    case 'columns':
      return [entity.default, entity.generated?.as ?? null]
    case 'checks':
      return [entity.value]
    case 'indexes':
      return [entity.where, ...entity.columns.map(({ value }) => value)]
    default:
      return []
  }
}
