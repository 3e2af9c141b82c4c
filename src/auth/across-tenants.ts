// The database as identity has it: who somebody is has to be known before it is known which tenant he acts in.

import { runAcrossTenants } from '../core/tenant.ts'
import type { Database } from '../db/database.ts'

const statements: ReadonlySet<string | symbol> = new Set([
  'read',
  'readAll',
  'write',
  'query',
  'execute',
  'transaction',
] satisfies (keyof Database)[])

/** The same database, whose statements and transactions are held to no tenant, whoever asks for them. */
export function acrossTenants(db: Database): Database {
  return new Proxy(db, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (!statements.has(name)) return value.bind(target)
      return (...asked: unknown[]) => runAcrossTenants(() => value.apply(target, asked))
    },
  })
}
