AnyPgColumn: from 'drizzle-orm/pg-core'

Database:
export interface Database {
    read(statement: Statement, options?: ReadOptions): Promise<TextRows>;
    readAll(statements: readonly Statement[], options?: ReadOptions): Promise<TextRows[]>;
    write(statement: Statement): Promise<TextRows>;
    query<row extends object = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<row[]>;
    execute(query: QueryConfig | QueryArrayConfig): Promise<QueryResult>;
    transaction<result>(work: () => Promise<result>, options?: TransactionOptions): Promise<result>;
    afterCommit(effect: () => void | Promise<void>): void;
    client(): Pool | PoolClient;
    health(): Promise<DatabaseHealth>;
    close(): Promise<void>;
}

DatabaseHealth:
export interface DatabaseHealth {
    readonly ok: boolean;
    readonly latencyMs?: number;
    readonly error?: string;
    readonly pool: {
        readonly size: number;
        readonly idle: number;
        readonly waiting: number;
    };
    readonly serverVersion?: string;
}

InferInsertModel: from 'drizzle-orm'

InferSelectModel: from 'drizzle-orm'

PgTableExtraConfigValue: from 'drizzle-orm/pg-core'

ReadOptions:
export interface ReadOptions {
    readonly slow?: boolean;
}

Statement:
export interface Statement {
    readonly text: string;
    readonly values: readonly (string | null)[];
    readonly name?: string;
}

TextRows:
export interface TextRows {
    readonly count: number;
    readonly buffers: readonly Buffer[];
    readonly starts: readonly number[];
    readonly affected: number;
}

TransactionOptions:
export interface TransactionOptions {
    readonly isolation?: 'read committed' | 'repeatable read' | 'serializable';
    readonly readOnly?: boolean;
    readonly retry?: boolean;
}

and: from 'drizzle-orm'

asc: from 'drizzle-orm'

avg: from 'drizzle-orm'

between: from 'drizzle-orm'

bigint: from 'drizzle-orm/pg-core'

bigserial: from 'drizzle-orm/pg-core'

bit: from 'drizzle-orm/pg-core'

boolean: from 'drizzle-orm/pg-core'

bytea: from 'drizzle-orm/pg-core'

char: from 'drizzle-orm/pg-core'

check: from 'drizzle-orm/pg-core'

cidr: from 'drizzle-orm/pg-core'

count: from 'drizzle-orm'

customType: from 'drizzle-orm/pg-core'

date: from 'drizzle-orm/pg-core'

defineRelations: from 'drizzle-orm'

desc: from 'drizzle-orm'

doublePrecision: from 'drizzle-orm/pg-core'

drizzleOn:
export declare function drizzleOn(database: Database): NodePgDatabase;
export declare function drizzleOn<relations extends AnyRelations>(database: Database, relations: relations): NodePgDatabase<relations>;

eq: from 'drizzle-orm'

exists: from 'drizzle-orm'

foreignKey: from 'drizzle-orm/pg-core'

geometry: from 'drizzle-orm/pg-core'

gt: from 'drizzle-orm'

gte: from 'drizzle-orm'

halfvec: from 'drizzle-orm/pg-core'

ilike: from 'drizzle-orm'

inArray: from 'drizzle-orm'

index: from 'drizzle-orm/pg-core'

inet: from 'drizzle-orm/pg-core'

integer: from 'drizzle-orm/pg-core'

interval: from 'drizzle-orm/pg-core'

isNotNull: from 'drizzle-orm'

isNull: from 'drizzle-orm'

json: from 'drizzle-orm/pg-core'

jsonb: from 'drizzle-orm/pg-core'

like: from 'drizzle-orm'

line: from 'drizzle-orm/pg-core'

lt: from 'drizzle-orm'

lte: from 'drizzle-orm'

macaddr8: from 'drizzle-orm/pg-core'

macaddr: from 'drizzle-orm/pg-core'

max: from 'drizzle-orm'

min: from 'drizzle-orm'

ne: from 'drizzle-orm'

not: from 'drizzle-orm'

notExists: from 'drizzle-orm'

notInArray: from 'drizzle-orm'

numeric: from 'drizzle-orm/pg-core'

or: from 'drizzle-orm'

pgEnum: from 'drizzle-orm/pg-core'

pgMaterializedView: from 'drizzle-orm/pg-core'

pgSchema: from 'drizzle-orm/pg-core'

pgSequence: from 'drizzle-orm/pg-core'

pgTable: from 'drizzle-orm/pg-core'

pgView: from 'drizzle-orm/pg-core'

point: from 'drizzle-orm/pg-core'

primaryKey: from 'drizzle-orm/pg-core'

real: from 'drizzle-orm/pg-core'

searchVector:
export declare function searchVector(language: string, ...columns: readonly PgColumn[]): SQL;

serial: from 'drizzle-orm/pg-core'

smallint: from 'drizzle-orm/pg-core'

smallserial: from 'drizzle-orm/pg-core'

softDelete:
export declare const softDelete: {
    deleted_at: import("drizzle-orm/pg-core").PgTimestampStringBuilder;
};

sparsevec: from 'drizzle-orm/pg-core'

sql: from 'drizzle-orm'

sum: from 'drizzle-orm'

text: from 'drizzle-orm/pg-core'

time: from 'drizzle-orm/pg-core'

timestamp: from 'drizzle-orm/pg-core'

timestamps:
export declare const timestamps: {
    created_at: import("drizzle-orm/pg-core").SetHasDefault<import("drizzle-orm/pg-core").SetNotNull<import("drizzle-orm/pg-core").PgTimestampStringBuilder>>;
    updated_at: import("drizzle-orm/pg-core").SetHasDefault<import("drizzle-orm/pg-core").SetHasDefault<import("drizzle-orm/pg-core").SetNotNull<import("drizzle-orm/pg-core").PgTimestampStringBuilder>>>;
};

unique: from 'drizzle-orm/pg-core'

uniqueIndex: from 'drizzle-orm/pg-core'

uuid: from 'drizzle-orm/pg-core'

varchar: from 'drizzle-orm/pg-core'

vector: from 'drizzle-orm/pg-core'
