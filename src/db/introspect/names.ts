// Names of a database as names of TypeScript: identifiers, property names, file names, resource names. Every choice is stable and unique.

import type { DatabaseSchema } from './database-schema.ts'

const identifier = /^[A-Za-z_$][\w$]*$/

/** Reserved words, and what the generated files import or use themselves. */
const taken = new Set(
  (
    'abstract any arguments as async await boolean break case catch class const continue debugger declare default delete do else enum eval export extends false ' +
    'finally for from function get if implements import in instanceof interface is let module namespace new null number of package private protected public ' +
    'return satisfies set static string super switch symbol table this throw true try type typeof undefined unknown using var void while with yield Object Symbol ' +
    'bigint bigserial bit bytea char check cidr customType date doublePrecision foreignKey index inet integer interval json jsonb line macaddr macaddr8 numeric ' +
    'pgEnum pgSchema pgTable pgView point primaryKey real serial smallint smallserial sql text time timestamp unique uniqueIndex uuid varchar ' +
    'vector anyone defineResource'
  ).split(' '),
)

/** The property of a column: its name. Only `__proto__` cannot be one, assigning it changes the prototype of Drizzle's table. */
export function propertyOf(column: string): string {
  return column === '__proto__' ? 'proto__' : column
}

/** `title` → `title`, `Quoted Name` → `'Quoted Name'` */
export function propertyKey(property: string): string {
  return identifier.test(property) ? property : quoteString(property)
}

/** `table.title`, `table['Quoted Name']` */
export function propertyAccess(object: string, property: string): string {
  return identifier.test(property) ? `${object}.${property}` : `${object}[${quoteString(property)}]`
}

/** True when Drizzle takes the column's name from the property; a name that is no identifier is written out for the reader. */
export function namesItself(column: string): boolean {
  return identifier.test(column) && propertyOf(column) === column
}

/** A TypeScript string, in single quotes unless that needs escaping. */
export function quoteString(text: string): string {
  if (text.includes("'") && !text.includes('"')) return JSON.stringify(text)
  return `'${JSON.stringify(text)
    .slice(1, -1)
    .replaceAll(String.raw`\"`, '"')
    .replaceAll("'", String.raw`\'`)}'`
}

/** A tagged template; what SQL says stays what it says. */
export function sqlTemplate(text: string): string {
  return `sql\`${text.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')}\``
}

export interface RelationNames {
  /** Export of the models file. */
  readonly identifier: string
  /** Without folder and ending. */
  readonly file: string
  /** Path segment of the API. */
  readonly resource: string
}

export interface Names {
  relation(schema: string, name: string): RelationNames | undefined
  schema(name: string): string
  enum(schema: string, name: string): string
  customType(type: string): string
}

/** Gives every thing of a database its names. Enums, schemas and custom types come after the tables, which keep theirs where they can. */
export function chooseNames(database: DatabaseSchema): Names {
  const identifiers = new Unique(taken)
  const files = new Unique(new Set(['index', 'enums', 'schemas', 'types']))
  const resources = new Unique(new Set())
  const repeated = repeatedNames(database)
  const relations = new Map(
    database.relations.map(({ schema, name }) => {
      const wanted = repeated.has(name) && schema !== 'public' ? `${schema}_${name}` : name
      const names = {
        identifier: identifiers.take(toIdentifier(wanted), '_table'),
        file: files.take(toSlug(wanted), '_table'),
        resource: resources.take(toSlug(wanted), '_2'),
      }
      return [key(schema, name), names] as const
    }),
  )
  const lazy = (suffix: string): ((path: string) => string) => {
    const known = new Map<string, string>()
    return (path) => known.get(path) ?? remember(known, path, identifiers.take(toIdentifier(path), suffix))
  }
  const [schemas, enums, types] = [lazy('_schema'), lazy('_enum'), lazy('_type')]
  return {
    relation: (schema, name) => relations.get(key(schema, name)),
    schema: schemas,
    enum: (schema, name) => enums(schema === 'public' ? name : `${schema}.${name}`),
    customType: types,
  }
}

function remember(known: Map<string, string>, path: string, name: string): string {
  known.set(path, name)
  return name
}

function key(schema: string, name: string): string {
  return JSON.stringify([schema, name])
}

function repeatedNames({ relations }: DatabaseSchema): Set<string> {
  const seen = new Set<string>()
  return new Set(relations.flatMap(({ name }) => (seen.has(name) ? [name] : (seen.add(name), []))))
}

/** `Order Lines` → `Order_Lines`, `2fa` → `_2fa` */
function toIdentifier(name: string): string {
  const cleaned = name.replaceAll(/[^\w$]+/g, '_').replaceAll(/^_+(?=.)|_+$/g, '')
  return identifier.test(cleaned) ? cleaned : `_${cleaned}`
}

/** `Order Lines` → `order_lines`; what has no Latin letter becomes `t_` and its code points. */
function toSlug(name: string): string {
  const slug = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '_')
    .replaceAll(/^[_-]+|[_-]+$/g, '')
  if (/^[a-z]/.test(slug)) return slug
  return `t_${slug || Array.from(name, (character) => character.codePointAt(0)?.toString(16)).join('_')}`
}

class Unique {
  readonly #used: Set<string>

  constructor(reserved: ReadonlySet<string>) {
    this.#used = new Set(reserved)
  }

  /** The name itself, with the suffix when it is used, then with a number. File systems may not tell large letters from small. */
  take(name: string, suffix: string): string {
    const candidates = [name, `${name}${suffix}`]
    for (let number = 2; ; number++) {
      const free = candidates.find((candidate) => !this.#used.has(candidate) && !this.#used.has(candidate.toLowerCase()))
      if (free !== undefined) {
        this.#used.add(free).add(free.toLowerCase())
        return free
      }
      candidates.push(`${name}_${number}`)
    }
  }
}
