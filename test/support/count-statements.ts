import type { Database } from 'plinth/db'

/** How many statements `work` sends through the database's read and write methods. */
export async function countStatements(db: Database, work: () => Promise<void>): Promise<number> {
  let count = 0
  const { read, readAll, write } = db
  const counted: Partial<Record<'read' | 'readAll' | 'write', unknown>> = {
    read: (...args: Parameters<Database['read']>) => (count++, read.apply(db, args)),
    readAll: (...args: Parameters<Database['readAll']>) => ((count += args[0].length), readAll.apply(db, args)),
    write: (...args: Parameters<Database['write']>) => (count++, write.apply(db, args)),
  }
  Object.assign(db, counted)
  try {
    await work()
  } finally {
    for (const name of Object.keys(counted)) delete (db as unknown as Record<string, unknown>)[name]
  }
  return count
}
