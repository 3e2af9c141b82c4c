// What every refusal in Plinth is made of: one error class, and tables that declare each code once.
// A room declares its codes with `defineErrors`; the reference page in docs/ is generated from the same tables.

/** One thing that is wrong with an input: where it is, what it is called, and what to do about it. */
export interface ErrorDetail {
  /** Field, parameter or path of the input, as the caller wrote it: `price`, `filter[nmae]`, `items[3].price`. */
  readonly field?: string
  readonly code: string
  readonly message: string
  readonly hint?: string
  /** Position in a bulk request, from 0. */
  readonly index?: number
}

/** What `AppError.with` may add to an error that a table made. */
export interface ErrorExtras {
  readonly details?: readonly ErrorDetail[]
  readonly field?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Kept for the log, never sent to a client. */
  readonly cause?: unknown
}

let recordsStacks = true

/**
 * Runs `work` without noting where each AppError is made. For work that collects thousands of them, of which only the
 * text is wanted: a stack costs about 15 us, and ten thousand mistakes in one bulk request would hold up everybody else.
 */
export function withoutStacks<result>(work: () => result): result {
  const before = recordsStacks
  recordsStacks = false
  try {
    return work()
  } finally {
    recordsStacks = before
  }
}

/** The only error whose text may reach a client. Everything else becomes `CORE_INTERNAL` with a generic sentence. */
export class AppError extends Error {
  readonly code: string
  readonly status: number
  readonly hint: string | undefined
  readonly field: string | undefined
  readonly details: readonly ErrorDetail[]
  readonly headers: Readonly<Record<string, string>>

  constructor(code: string, status: number, message: string, hint?: string, extras: ErrorExtras = {}) {
    const { stackTraceLimit } = Error
    if (!recordsStacks) Error.stackTraceLimit = 0
    super(message, extras.cause === undefined ? undefined : { cause: extras.cause })
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'AppError'
    this.code = code
    this.status = status
    this.hint = hint
    this.field = extras.field
    this.details = extras.details ?? []
    this.headers = extras.headers ?? {}
  }

  /** The same error with details, headers, a field or a cause added. */
  with(extras: ErrorExtras): AppError {
    return new AppError(this.code, this.status, this.message, this.hint, {
      details: extras.details ?? this.details,
      field: extras.field ?? this.field,
      headers: { ...this.headers, ...extras.headers },
      cause: extras.cause ?? this.cause,
    })
  }

  /** This error as one detail of a larger one. */
  toDetail(index?: number): ErrorDetail {
    return {
      ...(this.field === undefined ? {} : { field: this.field }),
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(index === undefined ? {} : { index }),
    }
  }
}

/** One line of an error table. `message` and `hint` take the same arguments; `summary` is the sentence for the docs. */
export interface ErrorEntry {
  readonly status: number
  readonly summary: string
  readonly message: (...args: never[]) => string
  readonly hint?: (...args: never[]) => string | undefined
}

/** A declared code as the reference page lists it. */
export interface DeclaredError {
  readonly code: string
  readonly status: number
  readonly summary: string
}

const declared = new Map<string, DeclaredError>()

/** Every code declared by the rooms that are loaded, sorted by code. */
export function declaredErrors(): DeclaredError[] {
  return [...declared.values()].toSorted((a, b) => a.code.localeCompare(b.code))
}

type Factories<table> = {
  readonly [name in keyof table]: table[name] extends { message: (...args: infer args) => string } ? (...args: args) => AppError : never
}

/**
 * Declares the error codes of one room and returns a function per code that makes the error.
 *
 * @param area   prefix of every code: `RESOURCE` makes `RESOURCE_UNKNOWN_FIELD`
 * @throws       Error when a code is declared twice (codes are never reused)
 * @example      `throw resourceErrors.UNKNOWN_FIELD('nmae', 'items', 'name')`
 */
export function defineErrors<const table extends Record<string, ErrorEntry>>(area: string, table: table): Factories<table> {
  const factories: Record<string, (...args: never[]) => AppError> = {}
  for (const [name, entry] of Object.entries(table)) {
    const code = `${area}_${name}`
    if (declared.has(code)) throw new Error(`The error code ${code} is declared twice.`)
    declared.set(code, { code, status: entry.status, summary: entry.summary })
    factories[name] = (...args) => new AppError(code, entry.status, entry.message(...args), entry.hint?.(...args))
  }
  return factories as Factories<table>
}

export const coreErrors = defineErrors('CORE', {
  INTERNAL: {
    status: 500,
    summary: 'Something failed inside the application. The log has the cause under the same request id.',
    message: () => 'The server could not complete the request.',
  },
  INVALID_CONFIG: {
    status: 500,
    summary: 'The configuration is not usable. Every mistake is listed and the start is refused.',
    message: (problems: readonly string[]) =>
      `The configuration has ${problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`}:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
  },
  START_FAILED: {
    status: 500,
    summary: 'A part of the application did not start. What had started before it was stopped again.',
    message: (part: string) => `${part} did not start.`,
  },
  TOO_SLOW: {
    status: 500,
    summary: 'A part of the application did not start or stop in the time it is given.',
    message: (part: string, seconds: number) => `${part} took longer than ${seconds} seconds.`,
  },
})
