// SQLSTATE → AppError. PostgreSQL's own words go to the log (as the cause); the client gets a sentence of ours.

import { AppError, coreErrors } from '../core/errors.ts'
import { dbErrors, retryLater } from './errors.ts'

/** What PostgreSQL says about a refusal, for rooms that know which field a constraint belongs to. Never sent as it is. */
export interface PgProblem {
  /** Five characters: `23505` is a unique violation. */
  readonly sqlstate: string
  /** PostgreSQL's sentence, in the server's language. */
  readonly message: string
  readonly schema?: string
  readonly table?: string
  readonly column?: string
  readonly constraint?: string
  /** Type that could not be read, for `22P02` and its relatives where PostgreSQL tells it. */
  readonly dataType?: string
  /** PostgreSQL's DETAIL; holds values. */
  readonly detail?: string
  /** C function that raised it. Unlike the message it is not translated. */
  readonly routine?: string
}

/** SQLSTATE: the server, the database or the user has as many connections as it may. */
export const tooManyConnections = '53300'

type Factory = () => AppError

const bySqlstate: Readonly<Record<string, Factory>> = {
  '22001': dbErrors.TOO_LONG,
  '22003': dbErrors.OUT_OF_RANGE,
  '22008': dbErrors.OUT_OF_RANGE,
  '23502': dbErrors.NOT_NULL,
  '23503': dbErrors.FOREIGN_KEY,
  '23505': dbErrors.UNIQUE,
  '23514': dbErrors.CHECK,
  '23P01': dbErrors.EXCLUSION,
  '25001': dbErrors.NOT_IN_TRANSACTION,
  '25006': () => retryLater(dbErrors.READ_ONLY()),
  '25P03': () => retryLater(dbErrors.TIMEOUT()),
  '40001': () => retryLater(dbErrors.SERIALIZATION()),
  '40P01': () => retryLater(dbErrors.SERIALIZATION()),
  '42501': dbErrors.NO_PRIVILEGE,
  '55P03': () => retryLater(dbErrors.LOCKED()),
  '57014': () => retryLater(dbErrors.TIMEOUT()),
  '57P05': () => retryLater(dbErrors.UNAVAILABLE()),
  P0001: dbErrors.RAISED,
}

// Classes of PostgreSQL's appendix A. 54 is a limit of the server that only a client's value can meet, such as
// an index entry of more than 2,704 bytes or JSON nested deeper than the stack.
const byClass: Readonly<Record<string, Factory>> = {
  '08': () => retryLater(dbErrors.UNAVAILABLE()),
  '22': dbErrors.INVALID_VALUE,
  '28': () => retryLater(dbErrors.UNAVAILABLE()),
  '40': () => retryLater(dbErrors.SERIALIZATION()),
  '53': () => retryLater(dbErrors.UNAVAILABLE()),
  '54': dbErrors.TOO_LONG,
  '57': () => retryLater(dbErrors.UNAVAILABLE()),
  '58': () => retryLater(dbErrors.UNAVAILABLE()),
}

/** What PostgreSQL said, from its own error or from any error that has it as its cause; undefined when PostgreSQL said nothing. */
export function pgProblemOf(error: unknown): PgProblem | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (isServerError(current)) return problemOf(current)
  }
  return undefined
}

/** The error as a caller may see it. An `AppError`, also one that another library has wrapped, stays as it is. */
export function toAppError(error: unknown): AppError {
  const wrapped = appErrorIn(error)
  if (wrapped !== undefined) return wrapped
  const problem = pgProblemOf(error)
  if (problem === undefined)
    return isConnectionError(error) ? retryLater(dbErrors.UNAVAILABLE(), error) : coreErrors.INTERNAL().with({ cause: error })
  if (isStalePlan(error)) return retryLater(dbErrors.SCHEMA_CHANGED(), error)
  if (isUnfenced(problem)) return dbErrors.UNFENCED().with({ cause: error })
  if (isOtherTenant(problem)) return dbErrors.OTHER_TENANT().with({ cause: error })
  if (isLateIsolation(problem)) return dbErrors.TRANSACTION_BEGUN().with({ cause: error })
  if (isCopyIntoWall(problem)) return dbErrors.NO_COPY().with({ cause: error })
  const factory = bySqlstate[problem.sqlstate] ?? byClass[problem.sqlstate.slice(0, 2)] ?? coreErrors.INTERNAL
  return factory().with({ cause: error })
}

/** The guard of a fenced table, `plinth.admit_unfenced`; PostgreSQL does not translate what it raises. */
function isUnfenced({ sqlstate, message }: PgProblem): boolean {
  return sqlstate === '55000' && message.startsWith('cached rows of ')
}

/** A new version of a row that the policies of its table do not take. */
function isOtherTenant({ sqlstate, routine }: PgProblem): boolean {
  return sqlstate === '42501' && routine === 'ExecWithCheckOptions'
}

/** SET TRANSACTION after the first query; what may not be in a transaction at all comes from elsewhere. */
function isLateIsolation({ sqlstate, routine = '' }: PgProblem): boolean {
  return sqlstate === '25001' && /^call_\w+_check_hook$/.test(routine)
}

function isCopyIntoWall({ sqlstate, routine }: PgProblem): boolean {
  return sqlstate === '0A000' && routine === 'DoCopy'
}

/** The error as a caller may see it when the application or PostgreSQL meant it; undefined for bugs and foreign errors. */
export function refusalIn(error: unknown): AppError | undefined {
  return appErrorIn(error) ?? (pgProblemOf(error) === undefined ? undefined : toAppError(error))
}

/** The `AppError` that another library (Drizzle) has wrapped as a cause. */
export function appErrorIn(error: unknown): AppError | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof AppError) return current
  }
  return undefined
}

/**
 * True when the statement was prepared before the schema changed. PostgreSQL refuses it before it has done
 * anything, on this connection for ever; on a new connection it runs.
 */
export function isStalePlan(error: unknown): boolean {
  const problem = pgProblemOf(error)
  return (problem?.sqlstate === '0A000' && problem.routine === 'RevalidateCachedQuery') || problem?.sqlstate === '26000'
}

/** True for a rollback that another try of the same transaction may escape. */
export function isWorthRetrying(error: unknown): boolean {
  return ['40001', '40P01'].includes(pgProblemOf(error)?.sqlstate ?? '') || isStalePlan(error)
}

/** True when the connection on which the error came must not be used again. An error that PostgreSQL did not send leaves doubt. */
export function isUseless(error: unknown): boolean {
  return pgProblemOf(error) === undefined || isStalePlan(error) || isConnectionError(error)
}

/** True when the connection is gone, or the server says that it ends it. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (isServerError(error)) return /^(08|57P0)/.test(error.code) || ['FATAL', 'PANIC'].includes(error.severity ?? '')
  return 'syscall' in error || connectionMessages.test(error.message)
}

// `pg` 8.23 has no codes for these.
const connectionMessages =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout expired|timeout exceeded|The server does not support SSL|There was an error establishing an SSL)/

interface ServerError extends Error {
  readonly code: string
  readonly severity?: string
  readonly schema?: string
  readonly table?: string
  readonly column?: string
  readonly constraint?: string
  readonly dataType?: string
  readonly detail?: string
  readonly routine?: string
}

function isServerError(error: Error): error is ServerError {
  return 'severity' in error && 'code' in error && typeof error.code === 'string' && error.code.length === 5
}

function problemOf(error: ServerError): PgProblem {
  const { code, message, schema, table, column, constraint, dataType, detail, routine } = error
  const parts = { schema, table, column, constraint, dataType, detail, routine }
  return { sqlstate: code, message, ...Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined)) }
}
