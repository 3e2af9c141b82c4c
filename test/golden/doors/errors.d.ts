AppError:
export declare class AppError extends Error {
    readonly code: string;
    readonly status: number;
    readonly hint: string | undefined;
    readonly field: string | undefined;
    readonly details: readonly ErrorDetail[];
    readonly headers: Readonly<Record<string, string>>;
    constructor(code: string, status: number, message: string, hint?: string, extras?: ErrorExtras);
    with(extras: ErrorExtras): AppError;
    toDetail(index?: number): ErrorDetail;
}

DeclaredError:
export interface DeclaredError {
    readonly code: string;
    readonly status: number;
    readonly summary: string;
}

ErrorDetail:
export interface ErrorDetail {
    readonly field?: string;
    readonly code: string;
    readonly message: string;
    readonly hint?: string;
    readonly index?: number;
}

ErrorEntry:
export interface ErrorEntry {
    readonly status: number;
    readonly summary: string;
    readonly message: (...args: never[]) => string;
    readonly hint?: (...args: never[]) => string | undefined;
}

ErrorExtras:
export interface ErrorExtras {
    readonly details?: readonly ErrorDetail[];
    readonly field?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly cause?: unknown;
}

declaredErrors:
export declare function declaredErrors(): DeclaredError[];

defineErrors:
export declare function defineErrors<const table extends Record<string, ErrorEntry>>(area: string, table: table): Factories<table>;
