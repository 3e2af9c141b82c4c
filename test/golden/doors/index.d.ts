Access:
export interface Access {
    readonly read?: Policy;
    readonly write?: Policy;
    readonly create?: Policy;
    readonly update?: Policy;
    readonly delete?: Policy;
}

App:
export interface App {
    readonly name: string;
    readonly definition: AppDefinition;
    readonly config: Config;
    readonly log: Logger;
    readonly db: Database;
    readonly engine: Engine;
    readonly fastify: FastifyInstance;
    readonly routes: readonly RegisteredRoute[];
    resource(name: string): ResourceHandle;
    inject(request: InjectOptions | string): Promise<LightMyRequestResponse>;
    start(): Promise<{
        readonly url: string;
    }>;
    stop(): Promise<void>;
}

AppDefinition:
export interface AppDefinition {
    readonly kind: 'app';
    readonly options: AppOptions;
}

AppOptions:
export interface AppOptions {
    readonly name: string;
    readonly version?: string;
    readonly description?: string;
    readonly resources: readonly ResourceDefinition[] | Readonly<Record<string, unknown>>;
    readonly models?: Readonly<Record<string, unknown>>;
    readonly relations?: unknown;
    readonly prefix?: string;
    readonly replies?: ReplyFormatName;
    readonly routes?: readonly RoutePlugin[];
    readonly modules?: readonly Module<App>[];
    readonly seed?: (app: App, report: SeedReport) => Promise<void>;
    readonly environment?: Readonly<Record<string, string>>;
}

HealthCheck:
export interface HealthCheck {
    readonly name: string;
    readonly required?: boolean;
    check(): Promise<HealthReport>;
}

HealthReport:
export interface HealthReport {
    readonly ok: boolean;
    readonly [detail: string]: unknown;
}

HookContext:
export interface HookContext {
    readonly operation: 'create' | 'replace' | 'patch' | 'delete' | 'restore';
    readonly resource: string;
    readonly requestId: string | undefined;
    readonly db: Database;
}

Hooks:
export interface Hooks<row, insert> {
    beforeWrite?(values: Partial<insert>, context: HookContext & {
        readonly current: row | undefined;
    }): void | Promise<void> | Partial<insert> | Promise<Partial<insert>>;
    afterWrite?(row: row, context: HookContext): void | Promise<void>;
    afterCommit?(row: row, context: HookContext): void | Promise<void>;
    serialize?(row: row): unknown;
}

KeyInput:
export type KeyInput = string | number | bigint | readonly (string | number | bigint)[];

ListResult:
export interface ListResult {
    readonly records: readonly ResourceRecord[];
    readonly total: number | undefined;
    readonly next: string | undefined;
}

Module:
export interface Module<host> extends Part {
    readonly needs?: readonly string[];
    setup?(host: host): void | Promise<void>;
    readonly checks?: readonly HealthCheck[];
}

Operation:
export type Operation = 'list' | 'get' | 'create' | 'replace' | 'patch' | 'delete' | 'restore';

Policy:
export interface Policy {
    readonly policy: string;
}

ResourceDefinition:
export interface ResourceDefinition {
    readonly kind: 'resource';
    readonly table: PgTable | PgView;
    readonly options: ResourceOptions;
    readonly file: string | undefined;
}

ResourceHandle:
export interface ResourceHandle {
    list(request?: ListRequest): Promise<ListResult>;
    get(key: KeyInput, shape?: Shape): Promise<ResourceRecord | undefined>;
    create(values: RecordValues): Promise<ResourceRecord>;
    createMany(items: readonly RecordValues[]): Promise<readonly ResourceRecord[]>;
    replace(key: KeyInput, values: RecordValues): Promise<ResourceRecord>;
    patch(key: KeyInput, values: RecordValues): Promise<ResourceRecord>;
    delete(key: KeyInput): Promise<void>;
    restore(key: KeyInput): Promise<ResourceRecord>;
}

ResourceOptions:
export interface ResourceOptions<row = Record<string, unknown>, insert = Record<string, unknown>> {
    readonly name?: string;
    readonly access: Access;
    readonly operations?: readonly Operation[];
    readonly hidden?: readonly (keyof row & string)[];
    readonly readOnly?: readonly (keyof row & string)[];
    readonly search?: readonly (keyof row & string)[] | {
        readonly fields: readonly (keyof row & string)[];
        readonly language?: string;
    };
    readonly sort?: string;
    readonly page?: {
        readonly size?: number;
        readonly max?: number;
    };
    readonly bulk?: {
        readonly max?: number;
    };
    readonly count?: 'exact' | 'none';
    readonly relations?: {
        readonly [name: string]: string | ThroughRelation;
    };
    readonly include?: {
        readonly maxDepth?: number;
    };
    readonly hooks?: Hooks<row, insert>;
    readonly description?: string;
}

ResourceRecord:
export type ResourceRecord = Record<string, unknown>;

RoutePlugin:
export type RoutePlugin = (fastify: FastifyInstance, options: {
    readonly app: App;
}) => Promise<void> | void;

SeedReport:
export interface SeedReport {
    progress(label: string, done: number, total: number): void;
}

ThroughRelation:
export interface ThroughRelation {
    readonly through: PgTable;
    readonly from: string;
    readonly to: string;
}

anyone:
export declare const anyone: Policy;

createApp:
export declare function createApp(definition: AppDefinition, config: Config): Promise<App>;

defineApp:
export declare function defineApp(options: AppOptions): AppDefinition;

defineResource:
export declare function defineResource<const table extends PgTable | PgView>(table: table, options: ResourceOptions<RowOf<table>, InsertOf<table>>): ResourceDefinition;

loadConfig:
export declare function loadConfig(root: string, shipped?: Variables): Config;

nobody:
export declare const nobody: Policy;

readConfig:
export declare function readConfig(env: Variables, root: string, shipped?: Variables): Config;
