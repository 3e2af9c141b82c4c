// What migrations refuse, and what to do about it. Commands print these; none of them reaches an HTTP client.

import { defineErrors } from '../../core/errors.ts'

const list = (lines: readonly string[]): string => lines.map((line) => `\n  - ${line}`).join('')

export const migrateErrors = defineErrors('MIGRATE', {
  TOOL_MISSING: {
    status: 500,
    summary: 'A package that writes migrations is not installed. Applying migrations does not need it.',
    message: (tool: string) => `Writing a migration needs the package "${tool}", which is not installed.`,
    hint: (tool: string) => `npm install --save-dev ${tool}`,
  },
  INVALID_MODELS: {
    status: 500,
    summary: 'The models cannot be turned into a schema: two things have one name, or an index has none.',
    message: (problem: string) => `The models do not make a schema: ${problem}`,
  },
  UNKNOWN_RENAME: {
    status: 400,
    summary: 'A rename was given for something that was neither removed nor added.',
    message: (rename: string, _possible: readonly string[]) => `The rename "${rename}" matches nothing that changed.`,
    hint: (_rename: string, possible: readonly string[]) =>
      possible.length === 0 ? 'Nothing in the models can be a rename.' : `Possible here:${list(possible)}`,
  },
  NOT_REVERSIBLE: {
    status: 500,
    summary: 'The generated SQL failed its trial on a shadow database, so nothing was written.',
    message: (stage: string, problem: string) => `The generated migration failed its trial run (${stage}): ${problem}`,
    hint: () => 'Nothing was written. Split the change into smaller migrations, or write this one by hand with an empty migration.',
  },
  BROKEN_FOLDER: {
    status: 500,
    summary: 'A folder below migrations/ is not a migration: a file is missing, unreadable, or the name is not NNNN_message.',
    message: (folder: string, problem: string) => `The migration "${folder}" is not usable: ${problem}`,
  },
  BRANCHED: {
    status: 409,
    summary: 'Two migrations were made from the same state, usually in two git branches, and no migration joins them yet.',
    message: (heads: readonly string[]) => `The migrations have ${heads.length} ends: ${heads.join(', ')}.`,
    hint: () => 'Make a migration while both are there: it joins them when both together give what the models say.',
  },
  MERGE_DIFFERS: {
    status: 409,
    summary: 'Two branches of migrations together do not give what the models say.',
    message: (differences: readonly string[]) => `The migrations of both branches together differ from the models:${list(differences)}`,
    hint: () => 'Bring the models to what both branches meant, or remove one of the two migrations and make it again.',
  },
  UNKNOWN_REVISION: {
    status: 404,
    summary: 'There is no migration of this name.',
    message: (revision: string, _near: string | undefined) => `There is no migration "${revision}".`,
    hint: (_revision: string, near: string | undefined) => (near === undefined ? undefined : `Perhaps you meant "${near}".`),
  },
  EDITED: {
    status: 409,
    summary: 'A migration was changed after it had been applied.',
    message: (files: readonly string[]) => `Changed after they were applied: ${files.join(', ')}.`,
    hint: () =>
      'Bring the file back and put the change into a new migration; or, when the database already has it, record the file as it is with "plinth db stamp".',
  },
  FILE_MISSING: {
    status: 409,
    summary: 'The database has a migration whose folder is gone.',
    message: (revisions: readonly string[]) => `Applied to this database, but not in the folder: ${revisions.join(', ')}.`,
    hint: () => 'Is this an older checkout? Bring the folders back, or correct the record with "plinth db stamp".',
  },
  LATE: {
    status: 409,
    summary: 'A migration that sorts before an applied one has not been applied: it was merged late.',
    message: (revisions: readonly string[], newest: string) => `Not applied although older than ${newest}: ${revisions.join(', ')}.`,
    hint: () => 'Give the folder the next number, or apply it now with --allow-late when it does not depend on the order.',
  },
  NOT_APPLIED: {
    status: 409,
    summary: 'A downgrade was asked to go to a migration that is not applied.',
    message: (revision: string) => `The migration "${revision}" is not applied, so there is no way down to it.`,
  },
  LOCKED: {
    status: 503,
    summary: 'Another process is migrating this database and did not finish in time.',
    message: (seconds: number) => `Another process is migrating this database; waited ${seconds} s for it.`,
    hint: () => 'Try again when it has finished.',
  },
  STATEMENT_FAILED: {
    status: 500,
    summary: 'A statement of a migration failed. The schema is as it was before that migration.',
    message: (file: string, number: number, line: string, problem: string, _hint: string | undefined) =>
      `${file}, statement ${number}: ${problem}\n  ${line}`,
    hint: (_file: string, _number: number, _line: string, _problem: string, hint: string | undefined) => hint,
  },
  TRANSACTION_CONTROL: {
    status: 400,
    summary: 'A migration file begins or ends transactions itself, which would break all-or-nothing.',
    message: (file: string, number: number, line: string) =>
      `${file}, statement ${number} would end the transaction of the migration: ${line}`,
    hint: () =>
      'Remove it: every file runs in a transaction of its own. A file that cannot starts with the line "-- plinth: no-transaction".',
  },
  APP_ROLE_REFUSED: {
    status: 500,
    summary:
      'The user may not make the role plinth_app_…, as which an application with tenants runs, may not be it, or may not give it the tables that the models name.',
    message: (reason: string, _remedy: string) => reason,
    hint: (_reason, remedy) => remedy,
  },
  SYSTEM_REFUSED: {
    status: 500,
    summary: 'The role that migrates may not make the schema "plinth", which holds what the framework keeps in the database.',
    message: (problem: string) => `The schema "plinth" could not be brought up to date: ${problem}.`,
    hint: () =>
      'Let the owner of the database run "plinth db upgrade" once, or allow the role to create schemas: GRANT CREATE ON DATABASE … TO ….',
  },
  RESET_REFUSED: {
    status: 403,
    summary: 'A reset drops every table and is refused in production unless it is forced.',
    message: () => 'A reset drops every table of this database and is refused in production.',
    hint: () => 'If that is what you want: --force.',
  },
})
