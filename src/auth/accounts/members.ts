// What users are and may do, read once and kept until one of the tables changes.

import type { Database } from '../../db/database.ts'
import { Lru } from '../../support/lru.ts'
import type { Rights, Roles } from './roles.ts'
import { TableWatch } from './table-watch.ts'
import type { User, Users } from './users.ts'

/** A user that may sign in, with all rights. */
export interface Member extends User, Rights {}

const mostKept = 20_000

interface Kept {
  readonly version: string
  readonly member: Member | undefined
}

export class Members {
  readonly #users: Users
  readonly #roles: Roles
  readonly #db: Database
  readonly #watch: TableWatch
  readonly #kept = new Lru<Kept>(mostKept)

  /** @param tables  of users, roles and memberships, as SQL names them */
  constructor(db: Database, users: Users, roles: Roles, tables: readonly string[]) {
    this.#db = db
    this.#users = users
    this.#roles = roles
    this.#watch = new TableWatch(db, tables)
  }

  /** Undefined for a user that is gone or disabled. In a transaction it is read there. */
  async find(id: string): Promise<Member | undefined> {
    if (this.#db.isInTransaction()) return this.#read(id)
    const version = this.#watch.version()
    const kept = this.#kept.get(id)
    if (kept !== undefined && kept.version === version) return kept.member
    const member = await this.#read(id)
    // Read after the version was known: it is at least as new.
    if (version !== undefined) this.#kept.set(id, { version, member })
    return member
  }

  /** The same from memory alone, for who must not wait; undefined where it has to be read. */
  near(id: string): Member | undefined {
    if (this.#db.isInTransaction()) return undefined
    const [version, kept] = [this.#watch.version(), this.#kept.get(id)]
    return kept !== undefined && kept.version === version ? kept.member : undefined
  }

  close(): void {
    this.#watch.close()
  }

  async #read(id: string): Promise<Member | undefined> {
    const [user, rights] = await Promise.all([this.#users.find(id), this.#roles.rightsOf(id)])
    return user === undefined || user.disabled ? undefined : Object.freeze({ ...user, ...rights })
  }
}
