// A database as plain data: what `db pull` knows of it. Names are PostgreSQL's, expressions are SQL text in which `public` is left out.

export interface DatabaseSchema {
  readonly enums: readonly DatabaseEnum[]
  /** Sorted by schema and name; partitions are left out, their parent stands for them. */
  readonly relations: readonly DatabaseRelation[]
}

export interface DatabaseEnum {
  readonly schema: string
  readonly name: string
  readonly values: readonly string[]
}

export type RelationKind = 'table' | 'view' | 'materialized view' | 'foreign table'

export interface DatabaseRelation {
  readonly schema: string
  readonly name: string
  readonly kind: RelationKind
  readonly comment?: string
  /** In the order of the table. */
  readonly columns: readonly DatabaseColumn[]
  readonly primaryKey?: DatabaseKey
  readonly uniques: readonly DatabaseUnique[]
  readonly foreignKeys: readonly DatabaseForeignKey[]
  readonly checks: readonly DatabaseCheck[]
  readonly indexes: readonly DatabaseIndex[]
  /** The query of a view, without a semicolon. */
  readonly definition?: string
  /** `security_barrier=true` … of a view. */
  readonly options: readonly string[]
  /** What Drizzle has no words for and the models therefore leave to SQL: `EXCLUDE USING gist (…)`. */
  readonly unspoken: readonly string[]
}

export interface DatabaseColumn {
  readonly name: string
  /** Type of one element as SQL writes it, quoted where needed: `character varying(10)`, `mood`, `shop."State"`. */
  readonly type: string
  /** `base` types are PostgreSQL's or an extension's. */
  readonly typeKind: 'base' | 'enum' | 'domain' | 'composite' | 'range'
  /** Schema and name of the type, for looking up enums. */
  readonly typeSchema: string
  readonly typeName: string
  /** 0 for a scalar. PostgreSQL does not enforce more than "is an array". */
  readonly dimensions: number
  readonly notNull: boolean
  /** SQL of the default, undefined when there is none. */
  readonly default?: string
  /** SQL of a generated column. */
  readonly generated?: string
  readonly identity?: DatabaseIdentity
  /** Name of the sequence that the column owns and takes its default from. */
  readonly ownedSequence?: string
  readonly comment?: string
}

export interface DatabaseIdentity {
  readonly always: boolean
  readonly sequence: string
  /** Exact numbers, as text. */
  readonly start: string
  readonly increment: string
  readonly min: string
  readonly max: string
  readonly cache: string
  readonly cycle: boolean
}

export interface DatabaseKey {
  readonly name: string
  readonly columns: readonly string[]
}

export interface DatabaseUnique extends DatabaseKey {
  readonly nullsNotDistinct: boolean
}

export type ReferentialAction = 'no action' | 'restrict' | 'cascade' | 'set null' | 'set default'

export interface DatabaseForeignKey extends DatabaseKey {
  readonly foreignSchema: string
  readonly foreignTable: string
  readonly foreignColumns: readonly string[]
  readonly onUpdate: ReferentialAction
  readonly onDelete: ReferentialAction
}

export interface DatabaseCheck {
  readonly name: string
  /** The condition, without CHECK and its parentheses. */
  readonly expression: string
}

export interface DatabaseIndex {
  readonly name: string
  readonly unique: boolean
  readonly method: string
  readonly keys: readonly DatabaseIndexKey[]
  readonly where?: string
}

export interface DatabaseIndexKey {
  /** Column name, or SQL when `isExpression`. */
  readonly value: string
  readonly isExpression: boolean
  readonly descending: boolean
  readonly nullsFirst: boolean
  /** Operator class when it is not the default one of the type. */
  readonly operatorClass?: string
}
