// `name:type` arguments of `generate resource` → columns of a model. The words are those of Rails where Rails has one.

import { plural } from '../../model/names.ts'
import { nearest } from '../../support/similar.ts'
import { UsageError } from '../output.ts'

export interface GeneratedColumn {
  readonly name: string
  /** Builder of `plinth/db`, and how it is called: `varchar({ length: 255 })`. */
  readonly builder: string
  readonly call: string
  readonly nullable: boolean
  readonly unique: boolean
  /** Table a foreign key points to. */
  readonly references?: string
  /** A value for the generated test, as TypeScript. */
  readonly sample: string
  readonly searchable: boolean
}

interface Word {
  readonly builder: string
  readonly call?: string
  readonly sample: string
  readonly searchable?: boolean
}

const words: Readonly<Record<string, Word>> = {
  string: { builder: 'varchar', call: 'varchar({ length: 255 })', sample: `'text'`, searchable: true },
  text: { builder: 'text', sample: `'text'`, searchable: true },
  integer: { builder: 'integer', sample: '1' },
  bigint: { builder: 'bigint', call: `bigint({ mode: 'bigint' })`, sample: `'1'` },
  decimal: { builder: 'numeric', call: 'numeric({ precision: 20, scale: 4 })', sample: `'1.5'` },
  money: { builder: 'numeric', call: 'numeric({ precision: 20, scale: 2 })', sample: `'9.99'` },
  float: { builder: 'doublePrecision', sample: '1.5' },
  boolean: { builder: 'boolean', sample: 'true' },
  date: { builder: 'date', sample: `'2026-01-31'` },
  time: { builder: 'time', sample: `'12:30:00'` },
  timestamp: { builder: 'timestamp', call: 'timestamp({ withTimezone: true })', sample: `'2026-01-31T12:30:00Z'` },
  json: { builder: 'jsonb', sample: '{ a: 1 }' },
  uuid: { builder: 'uuid', sample: `'11111111-1111-4111-8111-111111111111'` },
}

const fieldWords: readonly string[] = [...Object.keys(words), 'references']

/** Fields that every generated model has. */
const given = new Set(['id', 'created_at', 'updated_at'])

/** @throws UsageError for an argument that cannot be a column, and for a name that is used twice */
export function parseColumns(fields: readonly string[]): readonly GeneratedColumn[] {
  const columns = fields.map(parseColumn)
  const names = columns.map(({ name }) => name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw new UsageError(`There are two fields "${twice}".`)
  return columns
}

/**
 * `title`, `title:string`, `body:text?` (may be null), `email:string:unique`, `author:references` (a foreign key to `authors`),
 * `editor:references:authors`.
 */
function parseColumn(field: string): GeneratedColumn {
  const [name = '', wordAndMark = 'string', ...rest] = field.split(':')
  const word = wordAndMark.replace(/\?$/, '')
  const nullable = wordAndMark.endsWith('?')
  if (!/^[a-z][a-z0-9_]*$/.test(name))
    throw new UsageError(`"${name}" is not a field name. Write small letters, digits and "_": title:string`)
  if (word === 'references') return reference(name, nullable, rest[0] ?? plural(name.replace(/_id$/, '')))
  if (given.has(name)) throw new UsageError(`Every model has the field "${name}"; leave it out.`)
  const known = Object.hasOwn(words, word) ? words[word] : undefined
  if (known === undefined) throw new UsageError(`${field}: ${notKnown(word, fieldWords, 'a type')}`)
  const extra = rest.find((text) => text !== 'unique')
  if (extra !== undefined) throw new UsageError(`${field}: ${notKnown(extra, ['unique'], 'known after a type')}`)
  const { builder, call = `${builder}()`, sample, searchable = false } = known
  return { name, builder, call, nullable, unique: rest.includes('unique'), sample, searchable }
}

/** Its type is that of the key it points to, which is found out later. */
function reference(name: string, nullable: boolean, table: string): GeneratedColumn {
  const column = name.endsWith('_id') ? name : `${name}_id`
  return { name: column, builder: 'integer', call: 'integer()', nullable, unique: false, references: table, sample: '', searchable: false }
}

function notKnown(word: string, known: readonly string[], what: string): string {
  const near = nearest(word, known)
  return `"${word}" is not ${what}. ${near === undefined ? `There is ${known.join(', ')}.` : `Perhaps you meant "${near}".`}`
}
