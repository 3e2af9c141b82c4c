// Holds back what the database answers, as a slow one or a busy network would, at the one place where a test wants something to happen.

import type { Database, Reads } from '../../src/db/database.ts'
import type { Statement } from '../../src/db/rows.ts'

export interface HeldRead {
  /** Resolves when the database has answered and the answer is being held. */
  readonly answered: Promise<void>
  /** Hands it over. */
  release(): void
}

/** Holds the answer to the next read in which a statement is `wanted`; all others pass. */
export function holdRead(db: Database, wanted: (text: string) => boolean): HeldRead {
  const answered = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const { read, readAll } = db
  const passing = async <rows>(statements: readonly Statement[], run: () => Promise<rows>): Promise<rows> => {
    if (!statements.some(({ text }) => wanted(text))) return run()
    restore()
    const rows = await run()
    answered.resolve()
    await released.promise
    return rows
  }
  const held: Reads = {
    read: (statement, options) => passing([statement], () => read.call(db, statement, options)),
    readAll: (statements, options) => passing(statements, () => readAll.call(db, statements, options)),
  }
  const restore = (): void => void Object.assign(db, { read, readAll })
  Object.assign(db, held)
  return { answered: answered.promise, release: released.resolve }
}

/** Of the question for a version. */
export function isVersionQuestion(text: string): boolean {
  return text.includes('plinth.identity()')
}
