// What the database room refuses, and what it says when PostgreSQL refuses. No message carries SQL text or a stored value.

import { defineErrors } from '../core/errors.ts'

export const dbErrors = defineErrors('DB', {
  UNAVAILABLE: {
    status: 503,
    summary: 'The database cannot be reached, is starting or is shutting down. The application recovers by itself when it is back.',
    message: () => 'The database is not available at the moment.',
    hint: () => 'Send the request again. If it was a change, read it back first: it may have been saved.',
  },
  TIMEOUT: {
    status: 503,
    summary: 'A statement ran longer than the statement time-out and was cancelled.',
    message: () => 'The database took too long to answer.',
    hint: () => 'Ask for less at once (a smaller page, fewer relations, an indexed filter), or try again later.',
  },
  OVERLOADED: {
    status: 503,
    summary: 'All connections of the pool are busy and its waiting line is full, or the wait was too long.',
    message: () => 'The server is too busy to complete the request.',
    hint: () => 'Send the request again in a moment.',
  },
  LOCKED: {
    status: 503,
    summary: 'Another transaction held a lock on the row or table for longer than the lock time-out.',
    message: () => 'The record is being changed by somebody else.',
    hint: () => 'Send the request again in a moment.',
  },
  SERIALIZATION: {
    status: 503,
    summary: 'Concurrent transactions were in each other’s way (serialization failure or deadlock) and this one was rolled back.',
    message: () => 'The change met another change of the same records and was rolled back.',
    hint: () => 'Nothing was saved. Send the request again.',
  },
  READ_ONLY: {
    status: 503,
    summary: 'The database takes no changes at the moment: a standby, or set to read only.',
    message: () => 'The database does not accept changes at the moment.',
  },
  SCHEMA_CHANGED: {
    status: 503,
    summary: 'The schema changed under a prepared statement. The connection was replaced.',
    message: () => 'The database schema has just changed.',
    hint: () => 'Send the request again.',
  },
  UNIQUE: {
    status: 409,
    summary: 'A unique constraint refused the values.',
    message: () => 'A record with these values exists already.',
  },
  FOREIGN_KEY: {
    status: 409,
    summary: 'A foreign key refused the change: the record referred to does not exist, or others still refer to this one.',
    message: () => 'The record is referred to by others, or refers to one that does not exist.',
  },
  EXCLUSION: {
    status: 409,
    summary: 'An exclusion constraint refused the values.',
    message: () => 'The values overlap with those of another record.',
  },
  NOT_NULL: {
    status: 400,
    summary: 'A column that must have a value got none.',
    message: () => 'A required value is missing.',
  },
  CHECK: {
    status: 400,
    summary: 'A check constraint refused the values.',
    message: () => 'The values break a rule of the record.',
  },
  INVALID_VALUE: {
    status: 400,
    summary: 'PostgreSQL could not read a value as the type it must have.',
    message: () => 'A value has the wrong form.',
  },
  OUT_OF_RANGE: {
    status: 400,
    summary: 'A number or a time is outside of the range of its type.',
    message: () => 'A value is out of range.',
  },
  TOO_LONG: {
    status: 400,
    summary: 'A value is longer or larger than its column or an index on it can hold.',
    message: () => 'A value is too long.',
  },
  RAISED: {
    status: 409,
    summary: 'A trigger or function of the database refused the change with RAISE EXCEPTION. The log has its message.',
    message: () => 'A rule of the database refused the change.',
  },
  TRANSACTION_ENDED: {
    status: 500,
    summary: 'Code that was started in a transaction used the database after the transaction had ended. Usually an `await` is missing.',
    message: () => 'A statement came after its transaction had ended.',
    hint: () => 'Await everything that uses the database before the function given to transaction() returns, or give it to afterCommit().',
  },
  NO_TRANSACTION: {
    status: 500,
    summary: 'Code asked for something at the end of its transaction and was in none.',
    message: () => 'There is no transaction here.',
    hint: () => 'Call it inside the function given to transaction().',
  },
  TRANSACTION_FAILED: {
    status: 500,
    summary:
      'A statement of a transaction failed, its error was caught, and the transaction was then asked to commit. PostgreSQL rolled it back.',
    message: () => 'The transaction was rolled back, because one of its statements had failed.',
    hint: () => 'Let the error pass, or put the statement that may fail into a nested transaction(), which is a savepoint.',
  },
  TRANSACTION_BEGUN: {
    status: 500,
    summary:
      'A transaction was told how to isolate itself after its first query. In an application with tenants each statement comes behind one that says whose rows it reaches.',
    message: () => 'How a transaction is isolated has to be said when it begins.',
    hint: () => 'Say it to transaction(): transaction(work, { isolation: "repeatable read", readOnly: true }).',
  },
  CLIENT_OF_OTHER_TENANT: {
    status: 500,
    summary:
      'Code asked for client() in a transaction that has handed its connection out in another tenant. It is one connection, and whoever holds it would see the rows of both.',
    message: () => 'The connection of this transaction is in use for another tenant.',
    hint: () => 'Use query(), execute() or drizzleOn(db), which say the tenant with each statement, or another transaction.',
  },
  NO_COPY: {
    status: 500,
    summary: 'COPY … FROM was asked for a table that row-level security is on. PostgreSQL does not check the rows there, and so refuses.',
    message: () => 'COPY cannot write into a table of tenants.',
    hint: () => 'Use INSERT, which takes many rows at once, or copy in a migration.',
  },
  UNFENCED: {
    status: 500,
    summary:
      'Code of the application, or a trigger of the database, changed rows of a resource with a fenced cache in a transaction that does not fence them.',
    message: () => 'A change was refused because it would have left stale records in the cache.',
    hint: () => 'In the function given to app.db.transaction(), call `await app.cache.fence()` before the change.',
  },
  LOCK_TIMEOUT: {
    status: 503,
    summary: 'Another process held a lock of the application (such as the one for migrations) for too long.',
    message: (name: string, timeoutMs: number) => `Another process has held the lock "${name}" for more than ${timeoutMs / 1000} s.`,
    hint: () => 'It may still be at work: wait for it. The lock ends with the connection of its holder.',
  },
  CANNOT_CONNECT: {
    status: 503,
    summary: 'The database refused the first connection for a reason that waiting does not cure: user, password or name are wrong.',
    message: (address: string, reason: string) => `The database at ${address} refused the connection: ${reason}.`,
    hint: () => 'Check DATABASE_URL (or DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD).',
  },
  NO_APP_ROLE: {
    status: 503,
    summary:
      'An application with tenants runs as a role of its database, plinth_app_ and a number, which row-level security holds. The role is not there, or the user of DATABASE_URL is no member of it.',
    message: (_grant?: string) => 'The database has no role that the application may run as.',
    hint: (grant?: string) =>
      grant === undefined
        ? 'Run plinth db upgrade, which makes the role. Where its user may not make roles it says what somebody else has to run.'
        : `The user of DATABASE_URL has to be given the role. Somebody who may has to run this once: ${grant}`,
  },
  NOT_HELD: {
    status: 503,
    summary:
      'The role that an application with tenants runs as is a superuser or has BYPASSRLS, so that row-level security would not hold it.',
    message: (role: string) => `Row-level security does not hold the role ${role}.`,
    hint: (role: string) => `Somebody who may has to run this once: ALTER ROLE ${role} NOSUPERUSER NOBYPASSRLS;`,
  },
  NOT_IN_TRANSACTION: {
    status: 500,
    summary:
      'PostgreSQL runs the statement (VACUUM, CREATE INDEX CONCURRENTLY, DISCARD ALL …) in no transaction, and it was given one: by transaction(), or because an application with tenants says with each statement whose rows it reaches.',
    message: () => 'The statement cannot run in a transaction.',
    hint: () => 'Run it in a migration that starts with "-- plinth: no-transaction", or on a connection of your own.',
  },
  OTHER_TENANT: {
    status: 403,
    summary: 'Row-level security refused a change that would have put a record into another tenant than that of the request.',
    message: () => 'The record would belong to another tenant.',
  },
  NO_PRIVILEGE: {
    status: 500,
    summary: 'The role of the application lacks a privilege for what it was asked to do. The log has what PostgreSQL says.',
    message: () => 'The application may not do this in its database.',
    hint: () =>
      'Run plinth db upgrade as the owner of the tables: it gives the role of the application what it needs in the schemas of its models.',
  },
  SERVER_TOO_OLD: {
    status: 500,
    summary: 'The server is older than PostgreSQL 15.',
    message: (version: string) => `The database runs PostgreSQL ${version}. Plinth needs PostgreSQL 15 or newer.`,
    hint: () => 'Upgrade the server, or let DATABASE_URL point to a newer one.',
  },
})

/** Seconds that clients are asked to wait after a 503. */
const retryAfterSeconds = '1'

/** The same error, telling the client when to come back. */
export function retryLater(error: ReturnType<typeof dbErrors.UNAVAILABLE>, cause?: unknown): ReturnType<typeof dbErrors.UNAVAILABLE> {
  return error.with({ headers: { 'retry-after': retryAfterSeconds }, cause })
}
