// One table or view as a model: columns, then keys, constraints and indexes by their names in the database.

import type { DatabaseForeignKey, DatabaseIndex, DatabaseIndexKey, DatabaseRelation, DatabaseSchema } from './database-schema.ts'
import { propertyAccess, propertyOf, quoteString } from './names.ts'
import { isSimpleKey, isSimpleUnique, renderColumn, useSql, type RenderContext } from './render-column.ts'

/** The `export const …` of a relation; what it imports is noted in the context's file. */
export function renderRelation(relation: DatabaseRelation, database: DatabaseSchema, context: RenderContext): string {
  const { identifier = '' } = context.names.relation(relation.schema, relation.name) ?? {}
  const columns = relation.columns.map((column) => renderColumn(column, relation, context)).join('')
  const make = makerOf(relation, context)
  const start = `${documentation(relation, database)}export const ${identifier} = ${make}(${quoteString(relation.name)}, {\n${columns}}`
  if (relation.kind !== 'table') return `${start})${viewEnd(relation, context)}\n`
  const extras = renderExtras(relation, database, context)
  return extras.length === 0
    ? `${start})\n`
    : `${start}, ${extrasHead(relation, database, context)} => [\n${extras.map((extra) => `  ${extra},\n`).join('')}])\n`
}

function documentation({ comment, unspoken, foreignKeys }: DatabaseRelation, { relations }: DatabaseSchema): string {
  const elsewhere = foreignKeys.filter((key) => targetOf(key, relations) === undefined)
  const lines = [
    ...(comment === undefined ? [] : comment.split('\n')),
    ...unspoken.map((definition) => `In the database only: ${definition}`),
    ...elsewhere.map(
      ({ name, foreignSchema, foreignTable }) =>
        `In the database only: ${name} REFERENCES ${foreignSchema}.${foreignTable}, which was not pulled`,
    ),
  ].map((line) => line.replaceAll('*/', '* /').trim())
  if (lines.length === 0) return ''
  return lines.length === 1 ? `/** ${lines[0]} */\n` : `/**\n${lines.map((line) => ` * ${line}\n`).join('')} */\n`
}

/** `pgTable`, or `shop.table` in a schema. Whatever is not a table is for reading only, so it is taken for a view. */
function makerOf({ schema, kind }: DatabaseRelation, { file, names, module }: RenderContext): string {
  const [inPublic, method] = kind === 'table' ? ['pgTable', 'table'] : ['pgView', 'view']
  return schema === 'public' ? file.use(module, inPublic) : `${file.use('./schemas.ts', names.schema(schema))}.${method}`
}

const viewOptions: Readonly<Record<string, string>> = {
  security_barrier: 'securityBarrier',
  security_invoker: 'securityInvoker',
  check_option: 'checkOption',
}

/** A plain view belongs to the migrations. A materialized one has indexes, which Drizzle cannot say, so it is left to SQL, as a foreign table is. */
function viewEnd({ kind, definition, options }: DatabaseRelation, context: RenderContext): string {
  if (kind !== 'view' || definition === undefined) return '.existing()'
  const settings = options.flatMap((option) => {
    const [name = '', value = ''] = option.split('=')
    const word = viewOptions[name]
    return word === undefined ? [] : [`${word}: ${/^(true|false)$/.test(value) ? value : quoteString(value)}`]
  })
  return `${settings.length === 0 ? '' : `.with({ ${settings.join(', ')} })`}.as(${useSql(definition, context)})`
}

/** In a circle of foreign keys TypeScript cannot infer the types of the tables from each other; the annotation ends the circle. */
function extrasHead(relation: DatabaseRelation, database: DatabaseSchema, { file, module }: RenderContext): string {
  if (!isInCircle(relation, database)) return '(table)'
  return `(table): ${file.use(module, 'type PgTableExtraConfigValue')}[]`
}

function isInCircle(start: DatabaseRelation, { relations }: DatabaseSchema): boolean {
  const seen = new Set<DatabaseRelation>()
  const queue = targetsOf(start, relations).filter((target) => target !== start)
  for (let relation = queue.pop(); relation !== undefined; relation = queue.pop()) {
    if (relation === start) return true
    if (seen.has(relation)) continue
    seen.add(relation)
    queue.push(...targetsOf(relation, relations).filter((target) => target !== relation))
  }
  return false
}

function targetsOf({ foreignKeys }: DatabaseRelation, relations: readonly DatabaseRelation[]): DatabaseRelation[] {
  return relations.filter(({ schema, name }) =>
    foreignKeys.some(({ foreignSchema, foreignTable }) => foreignSchema === schema && foreignTable === name),
  )
}

function renderExtras(relation: DatabaseRelation, database: DatabaseSchema, context: RenderContext): string[] {
  const { primaryKey, uniques, checks, indexes, foreignKeys, columns } = relation
  const use = (name: string): string => context.file.use(context.module, name)
  const list = (names: readonly string[]): string => names.map((name) => columnOf('table', name)).join(', ')
  const isSimple = (unique: DatabaseRelation['uniques'][number]): boolean =>
    columns.some((column) => isSimpleUnique(unique, column, relation))
  const keys = primaryKey === undefined || columns.some((column) => isSimpleKey(column, relation)) ? [] : [primaryKey]
  return [
    ...keys.map(({ name, columns: key }) => `${use('primaryKey')}({ name: ${quoteString(name)}, columns: [${list(key)}] })`),
    ...uniques
      .filter((unique) => !isSimple(unique))
      .map(
        (unique) =>
          `${use('unique')}(${quoteString(unique.name)}).on(${list(unique.columns)})${unique.nullsNotDistinct ? '.nullsNotDistinct()' : ''}`,
      ),
    ...checks.map(({ name, expression }) => `${use('check')}(${quoteString(name)}, ${useSql(expression, context)})`),
    ...indexes.map((index) => renderIndex(index, context)),
    ...foreignKeys.flatMap((key) => renderForeignKey(key, relation, database, context)),
  ]
}

function renderIndex({ name, unique, method, keys, where }: DatabaseIndex, context: RenderContext): string {
  const make = context.file.use(context.module, unique ? 'uniqueIndex' : 'index')
  const columns = keys.map((key) => renderKey(key, context)).join(', ')
  const on = method === 'btree' ? `.on(${columns})` : `.using(${quoteString(method)}, ${columns})`
  return `${make}(${quoteString(name)})${on}${where === undefined ? '' : `.where(${useSql(where, context)})`}`
}

function renderKey({ value, isExpression, descending, nullsFirst, operatorClass }: DatabaseIndexKey, context: RenderContext): string {
  const isUsual = descending === nullsFirst
  if (isExpression) {
    const words = [value, operatorClass, descending ? 'DESC' : undefined, isUsual ? undefined : `NULLS ${nullsFirst ? 'FIRST' : 'LAST'}`]
    return useSql(words.filter((word) => word !== undefined).join(' '), context)
  }
  const order = `${descending ? '.desc()' : ''}${isUsual ? '' : nullsFirst ? '.nullsFirst()' : '.nullsLast()'}`
  return `${columnOf('table', value)}${order}${operatorClass === undefined ? '' : `.op(${quoteString(operatorClass)})`}`
}

function columnOf(table: string, column: string): string {
  return propertyAccess(table, propertyOf(column))
}

function targetOf(key: DatabaseForeignKey, relations: readonly DatabaseRelation[]): DatabaseRelation | undefined {
  return relations.find(({ schema, name, kind }) => schema === key.foreignSchema && name === key.foreignTable && kind === 'table')
}

/** A key into a schema that was not read is left to SQL. */
function renderForeignKey(
  key: DatabaseForeignKey,
  relation: DatabaseRelation,
  { relations }: DatabaseSchema,
  context: RenderContext,
): string[] {
  const target = targetOf(key, relations)
  const names = target && context.names.relation(target.schema, target.name)
  if (names === undefined) return []
  const foreign = target === relation ? 'table' : context.file.use(`./${names.file}.ts`, names.identifier)
  const columns = key.columns.map((name) => columnOf('table', name)).join(', ')
  const foreignColumns = key.foreignColumns.map((name) => columnOf(foreign, name)).join(', ')
  const action = (word: string, value: string): string => (value === 'no action' ? '' : `.${word}(${quoteString(value)})`)
  const make = context.file.use(context.module, 'foreignKey')
  return [
    `${make}({ name: ${quoteString(key.name)}, columns: [${columns}], foreignColumns: [${foreignColumns}] })${action('onDelete', key.onDelete)}${action('onUpdate', key.onUpdate)}`,
  ]
}
