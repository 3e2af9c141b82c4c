// A resource per table or view: open to read and write, because a pulled database is looked at first and closed next.

import type { DatabaseRelation, DatabaseSchema } from './database-schema.ts'
import { quoteString, type Names } from './names.ts'

/** `api/resources/<table>.ts`. Without a primary key a record cannot be named, so such a table is only listed; so is a view. */
export function renderResource(relation: DatabaseRelation, names: Names): string {
  const { identifier = '', file = '', resource = '' } = names.relation(relation.schema, relation.name) ?? {}
  const isWritable = relation.kind === 'table' && relation.primaryKey !== undefined
  const options = [
    ...(resource === relation.name ? [] : [`name: ${quoteString(resource)}`]),
    `access: { read: anyone${isWritable ? ', write: anyone' : ''} }`,
    ...(isWritable ? [] : [`operations: ['list']`]),
  ]
  return `import { anyone, defineResource } from 'plinth'
import { ${identifier} } from '../models/${file}.ts'

export default defineResource(${identifier}, {
${options.map((option) => `  ${option},\n`).join('')}})
`
}

/** `api/resources/index.ts` */
export function renderResourceIndex(database: DatabaseSchema, names: Names): string {
  return database.relations
    .map(({ schema, name }) => {
      const { identifier = '', file = '' } = names.relation(schema, name) ?? {}
      return `export { default as ${identifier} } from './${file}.ts'\n`
    })
    .join('')
}
