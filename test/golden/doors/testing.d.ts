TestApp:
export interface TestApp {
    readonly app: App;
    readonly url: string;
    get(path: string, headers?: Record<string, string>): Promise<TestReply>;
    post(path: string, body?: unknown, headers?: Record<string, string>): Promise<TestReply>;
    put(path: string, body: unknown, headers?: Record<string, string>): Promise<TestReply>;
    patch(path: string, body: unknown, headers?: Record<string, string>): Promise<TestReply>;
    delete(path: string, body?: unknown, headers?: Record<string, string>): Promise<TestReply>;
    request(request: TestRequest): Promise<TestReply>;
    seed(): Promise<void>;
    close(): Promise<void>;
}

TestAppOptions:
export interface TestAppOptions {
    readonly url?: string;
    readonly root?: string;
    readonly environment?: Readonly<Record<string, string>>;
    readonly migrations?: string;
}

TestReply:
export interface TestReply {
    readonly status: number;
    readonly headers: Readonly<Record<string, string | string[] | number | undefined>>;
    readonly text: string;
    readonly body: any;
}

TestRequest:
export interface TestRequest {
    readonly method?: InjectOptions['method'];
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: unknown;
    readonly raw?: string | Buffer;
}

holdTestServer:
export declare function holdTestServer(): Promise<() => Promise<void>>;

testApp:
export declare function testApp(definition: AppDefinition, options?: TestAppOptions): Promise<TestApp>;
