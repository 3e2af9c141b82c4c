// The text of up.sql and down.sql: for people who review it first, for PostgreSQL second.

import type { Loss } from './losses.ts'

/** First lines of a file that is run statement by statement without a transaction. */
export const noTransactionMark = '-- plinth: no-transaction'

export interface FileText {
  readonly title: string
  readonly transaction: boolean
  readonly statements: readonly string[]
  readonly losses: readonly Pick<Loss, 'statement' | 'what'>[]
  /** Said once at the top, a line each. */
  readonly notes: readonly string[]
}

/** A migration file. Statements that lose data are marked with `-- WARNING:`. */
export function renderFile({ title, transaction, statements, losses, notes }: FileText): string {
  const head = [
    ...(transaction ? [] : [noTransactionMark, '-- Runs outside a transaction; after a failure it can be run again.']),
    `-- ${title}`,
    ...notes.map((note) => `-- NOTE: ${note}.`),
  ]
  const body = statements.length === 0 ? ['-- Nothing to do.'] : statements.map((statement) => marked(statement, losses))
  return `${head.join('\n')}\n\n${body.join('\n\n')}\n`
}

function marked(statement: string, losses: FileText['losses']): string {
  const warnings = losses.filter((loss) => statement.startsWith(loss.statement)).map(({ what }) => `-- WARNING: ${what}.\n`)
  return `${warnings.join('')}${statement}`
}

/** True when the file asks to be run without a transaction. */
export function runsOutsideTransaction(source: string): boolean {
  return source
    .split('\n')
    .slice(0, 5)
    .some((line) => line.trim() === noTransactionMark)
}

/** True when the file has a step that is marked as losing data. */
export function losesData(source: string): boolean {
  return /^-- WARNING:/m.test(source)
}
