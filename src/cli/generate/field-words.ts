// `name:type` arguments of `generate resource` → columns of a model. The words are those of Rails where Rails has one.

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

/** Words for `name:type`, for help texts. */
export const fieldWords: readonly string[] = [...Object.keys(words), 'references']

/**
 * `title:string`, `body:text?` (may be null), `email:string:unique`, `author:references` (a foreign key to `authors`),
 * `editor:references:authors`.
 */
export function parseColumn(argument: string, pluralOf: (name: string) => string): GeneratedColumn {
  const [name = '', wordAndMark = '', ...rest] = argument.split(':')
  const word = wordAndMark.replace(/\?$/, '')
  const nullable = wordAndMark.endsWith('?')
  if (!/^[a-z][a-z0-9_]*$/.test(name))
    throw new UsageError(`"${name}" is not a field name. Write small letters, digits and "_": title:string`)
  if (word === 'references') return reference(name, nullable, rest[0] ?? pluralOf(name.replace(/_id$/, '')))
  const known = Object.hasOwn(words, word) ? words[word] : undefined
  if (known === undefined) throw unknownWord(argument, word)
  const { builder, call = `${builder}()`, sample, searchable = false } = known
  return { name, builder, call, nullable, unique: rest.includes('unique'), sample, searchable }
}

function reference(name: string, nullable: boolean, table: string): GeneratedColumn {
  const column = name.endsWith('_id') ? name : `${name}_id`
  return { name: column, builder: 'integer', call: 'integer()', nullable, unique: false, references: table, sample: '1', searchable: false }
}

function unknownWord(argument: string, word: string): UsageError {
  const near = nearest(word, fieldWords)
  return new UsageError(
    `${argument}: "${word}" is not a type. ${near === undefined ? `Types are: ${fieldWords.join(', ')}.` : `Perhaps you meant "${near}".`}`,
  )
}
