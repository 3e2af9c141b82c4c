TestApp:
export interface TestApp {
    readonly app: App;
    readonly url: string;
    get(path: string, headers?: Record<string, string>): Promise<TestReply>;
    post(path: string, body?: unknown, headers?: Record<string, string>): Promise<TestReply>;
    put(path: string, body: unknown, headers?: Record<string, string>): Promise<TestReply>;
    patch(path: string, body: unknown, headers?: Record<string, string>): Promise<TestReply>;
    delete(path: string, body?: unknown, headers?: Record<string, string>): Promise<TestReply>;
    close(): Promise<void>;
}

TestAppOptions:
export interface TestAppOptions {
    readonly url?: string;
    readonly root?: string;
    readonly environment?: Readonly<Record<string, string>>;
}

TestReply:
export interface TestReply {
    readonly status: number;
    readonly headers: Readonly<Record<string, string | string[] | number | undefined>>;
    readonly text: string;
    readonly body: any;
}

testApp:
export declare function testApp(definition: AppDefinition, options?: TestAppOptions): Promise<TestApp>;
