// A database as Drizzle models and resources: one file per table or view, plus enums, schemas and custom types.

import type { DatabaseRelation, DatabaseSchema } from './database-schema.ts'
import { chooseNames, quoteString, type Names } from './names.ts'
import type { RenderContext } from './render-column.ts'
import { renderRelation } from './render-relation.ts'
import { renderResource, renderResourceIndex } from './render-resources.ts'
import { SourceFile } from './source-file.ts'
import { builderOf } from './types.ts'

export interface GeneratedFile {
  /** Relative to the application's folder: `api/models/orders.ts`. */
  readonly path: string
  readonly content: string
}

/**
 * Models (`api/models/`) and resources (`api/resources/`) for every table and view, each with an `index.ts` that names all of them.
 * The files type-check and start as they are; in them `plinth` and `plinth/db` are imported.
 */
export function renderModels(database: DatabaseSchema): GeneratedFile[] {
  const names = chooseNames(database)
  const models = database.relations.map((relation) => renderModel(relation, database, names))
  const shared = [renderEnums(database, names), renderSchemas(database, names), renderTypes(database, names)].filter(
    (file) => file !== undefined,
  )
  return [
    ...models,
    ...shared,
    { path: 'api/models/index.ts', content: renderIndex(database, names) },
    ...database.relations.map((relation) => ({
      path: `api/resources/${fileOf(relation, names)}.ts`,
      content: renderResource(relation, names),
    })),
    { path: 'api/resources/index.ts', content: renderResourceIndex(database, names) },
  ]
}

const module = 'plinth/db'

function fileOf({ schema, name }: DatabaseRelation, names: Names): string {
  return names.relation(schema, name)?.file ?? ''
}

function renderModel(relation: DatabaseRelation, database: DatabaseSchema, names: Names): GeneratedFile {
  const context: RenderContext = { file: new SourceFile(), names, module }
  const body = renderRelation(relation, database, context)
  return {
    path: `api/models/${fileOf(relation, names)}.ts`,
    content: context.file.text(`The ${relation.kind} ${title(relation)}, made by "plinth db pull".`, body),
  }
}

function title({ schema, name }: DatabaseRelation): string {
  return JSON.stringify(schema === 'public' ? name : `${schema}.${name}`).slice(1, -1)
}

function usedEnums({ enums, relations }: DatabaseSchema): DatabaseSchema['enums'] {
  const columns = relations.flatMap((relation) => relation.columns).filter(({ typeKind }) => typeKind === 'enum')
  return enums.filter(({ schema, name }) => columns.some(({ typeSchema, typeName }) => typeSchema === schema && typeName === name))
}

function renderEnums(database: DatabaseSchema, names: Names): GeneratedFile | undefined {
  const file = new SourceFile()
  const lines = usedEnums(database).map(({ schema, name, values }) => {
    const make = schema === 'public' ? file.use(module, 'pgEnum') : `${file.use('./schemas.ts', names.schema(schema))}.enum`
    return `export const ${names.enum(schema, name)} = ${make}(${quoteString(name)}, [${values.map(quoteString).join(', ')}])\n`
  })
  return lines.length === 0 ? undefined : { path: 'api/models/enums.ts', content: file.text('Enumerated types.', lines.join('')) }
}

function usedSchemas(database: DatabaseSchema): string[] {
  const all = [...database.relations, ...usedEnums(database)].map(({ schema }) => schema)
  return [...new Set(all)].filter((schema) => schema !== 'public').toSorted()
}

function renderSchemas(database: DatabaseSchema, names: Names): GeneratedFile | undefined {
  const file = new SourceFile()
  const lines = usedSchemas(database).map(
    (schema) => `export const ${names.schema(schema)} = ${file.use(module, 'pgSchema')}(${quoteString(schema)})\n`,
  )
  return lines.length === 0
    ? undefined
    : { path: 'api/models/schemas.ts', content: file.text('Schemas other than public.', lines.join('')) }
}

/** Rendered after the models, so that it has the types they use. */
function renderTypes(database: DatabaseSchema, names: Names): GeneratedFile | undefined {
  const file = new SourceFile()
  const types = new Set(
    database.relations
      .flatMap((relation) => relation.columns)
      .filter((column) => isCustom(column, names))
      .map(({ type }) => type),
  )
  const lines = [...types].toSorted().map((type) => {
    const make = file.use(module, 'customType')
    return `export const ${names.customType(type)} = ${make}<{ data: string }>({ dataType: () => ${quoteString(type)} })\n`
  })
  return lines.length === 0
    ? undefined
    : { path: 'api/models/types.ts', content: file.text('Types that Drizzle has no words for; their values are text.', lines.join('')) }
}

function isCustom(column: DatabaseRelation['columns'][number], names: Names): boolean {
  return builderOf(column, { names, file: new SourceFile(), module }).module === './types.ts'
}

function renderIndex(database: DatabaseSchema, names: Names): string {
  const shared = [
    ...usedEnums(database).map(({ schema, name }) => [names.enum(schema, name), 'enums'] as const),
    ...usedSchemas(database).map((schema) => [names.schema(schema), 'schemas'] as const),
  ]
  const relations = database.relations.map(({ schema, name }) => {
    const { identifier = '', file = '' } = names.relation(schema, name) ?? {}
    return [identifier, file] as const
  })
  const files = Map.groupBy([...relations, ...shared], ([, file]) => file)
  return [...files].map(([file, exports]) => `export { ${exports.map(([name]) => name).join(', ')} } from './${file}.ts'\n`).join('')
}
