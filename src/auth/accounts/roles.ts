// Which roles a user has, and what they permit. The tables are part of the application's models.

import type { Database } from '../../db/database.ts'
import { accountErrors } from '../account-errors.ts'
import { isKey, type Memberships } from '../tenants/memberships.ts'
import { readTexts, writeTexts } from './texts.ts'
import type { Users } from './users.ts'

/** What somebody may do. Names in order, each once. */
export interface Rights {
  readonly roles: readonly string[]
  readonly permissions: readonly string[]
  /** Keys, as text, of the tenants that the user belongs to. */
  readonly tenants: readonly string[]
}

/** Roles and their permissions, as an application sets them in code. */
export type RoleDefaults = Readonly<Record<string, readonly string[]>>

const tables = {
  roles: '"public"."roles"',
  permissions: '"public"."permissions"',
  userRoles: '"public"."user_roles"',
  rolePermissions: '"public"."role_permissions"',
} as const

/** All tables that rights depend on, beside that of users. */
export const roleTables: readonly string[] = Object.values(tables)

const nothing: readonly string[] = Object.freeze([])
const noRights: Rights = Object.freeze({ roles: nothing, permissions: nothing, tenants: nothing })

export class Roles {
  readonly #db: Database
  readonly #users: Users
  readonly #hasRoles: boolean
  readonly #memberships: Pick<Memberships, 'keysOfUser'> | undefined

  /**
   * @param hasRoles     whether the application has the tables
   * @param memberships  of an application with tenants
   */
  constructor(db: Database, users: Users, hasRoles: boolean, memberships?: Pick<Memberships, 'keysOfUser'>) {
    this.#db = db
    this.#users = users
    this.#hasRoles = hasRoles
    this.#memberships = memberships
  }

  async rightsOf(user: string): Promise<Rights> {
    const parts = [...(this.#hasRoles ? [this.#rolesOfUser] : []), ...(this.#memberships === undefined ? [] : [this.#tenantsOfUser])]
    if (parts.length === 0) return noRights
    const rows = await readTexts(this.#db, { name: 'plinth_rights', text: parts.join(' UNION ALL '), values: [user] })
    const [roles, permissions, tenants] = [0, 1, 2].map((column) => namesIn(rows.map((row) => row[column])))
    return Object.freeze({ roles: roles ?? nothing, permissions: permissions ?? nothing, tenants: tenants?.filter(isKey) ?? nothing })
  }

  get #rolesOfUser(): string {
    return `SELECT r.name, p.name, NULL::text FROM ${tables.userRoles} ur JOIN ${tables.roles} r ON r.id = ur.role_id
      LEFT JOIN ${tables.rolePermissions} rp ON rp.role_id = r.id LEFT JOIN ${tables.permissions} p ON p.id = rp.permission_id
      WHERE ur.user_id = $1::text::${this.#users.idType}`
  }

  get #tenantsOfUser(): string {
    return `SELECT NULL::text, NULL::text, mine.key FROM (${this.#memberships?.keysOfUser}) mine (key)`
  }

  /** Names of roles of several users, by user. */
  async namesOf(users: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    if (!this.#hasRoles || users.length === 0) return new Map()
    const text = `SELECT ur.user_id::text, json_agg(r.name ORDER BY r.name) FROM ${tables.userRoles} ur JOIN ${tables.roles} r ON r.id = ur.role_id
      WHERE ur.user_id IN (SELECT item::${this.#users.idType} FROM json_array_elements_text($1::text::json) item) GROUP BY ur.user_id`
    const rows = await readTexts(this.#db, { text, values: [JSON.stringify(users)] })
    return new Map(rows.map(([user, names]) => [user ?? '', JSON.parse(names ?? '[]') as string[]]))
  }

  /** @returns false when the user had it already @throws AppError AUTH_UNKNOWN_ROLE, or DB_FOREIGN_KEY when there is no such user */
  async grant(user: string, role: string): Promise<boolean> {
    this.#demandTables()
    const text = `WITH role AS (SELECT id FROM ${tables.roles} WHERE name = $2::text), given AS (
        INSERT INTO ${tables.userRoles} (user_id, role_id) SELECT $1::text::${this.#users.idType}, id FROM role ON CONFLICT DO NOTHING RETURNING 1
      ) SELECT (SELECT count(*) FROM role), (SELECT count(*) FROM given)`
    const [row] = await writeTexts(this.#db, { text, values: [user, role] }, [tables.userRoles])
    if (row?.[0] === '0') throw accountErrors.UNKNOWN_ROLE(role)
    return row?.[1] === '1'
  }

  /** @returns false when the user did not have it */
  async revoke(user: string, role: string): Promise<boolean> {
    this.#demandTables()
    const text = `DELETE FROM ${tables.userRoles} ur USING ${tables.roles} r WHERE r.id = ur.role_id AND r.name = $2::text AND ur.user_id = $1::text::${this.#users.idType}`
    return (await this.#db.write({ text, values: [user, role] }, { tables: [tables.userRoles] })).affected > 0
  }

  /** Adds the roles that are not there yet, each with its permissions; what is there already is left as it was made meanwhile. */
  async addMissing(defaults: RoleDefaults): Promise<void> {
    const names = Object.entries(defaults).flatMap(([role, permissions]) =>
      permissions.length === 0 ? [[role, null]] : permissions.map((permission) => [role, permission]),
    )
    if (names.length === 0) return
    this.#demandTables()
    const text = `WITH wanted AS (SELECT item->>0 AS role, item->>1 AS permission FROM json_array_elements($1::text::json) item
      ), new_roles AS (
        INSERT INTO ${tables.roles} (name) SELECT DISTINCT role FROM wanted ON CONFLICT (name) DO NOTHING RETURNING id, name
      ), new_permissions AS (
        INSERT INTO ${tables.permissions} (name) SELECT DISTINCT permission FROM wanted WHERE permission IS NOT NULL ON CONFLICT (name) DO NOTHING RETURNING id, name
      ), known AS (SELECT id, name FROM ${tables.permissions} UNION SELECT id, name FROM new_permissions)
      INSERT INTO ${tables.rolePermissions} (role_id, permission_id)
      SELECT new_roles.id, known.id FROM wanted JOIN new_roles ON new_roles.name = wanted.role JOIN known ON known.name = wanted.permission ON CONFLICT DO NOTHING`
    await this.#db.write({ text, values: [JSON.stringify(names)] }, { tables: [tables.roles, tables.permissions, tables.rolePermissions] })
  }

  #demandTables(): void {
    if (!this.#hasRoles) throw accountErrors.INVALID_SETUP('the application has no tables of roles; name user_roles')
  }
}

function namesIn(names: readonly (string | null | undefined)[]): readonly string[] {
  return Object.freeze([...new Set(names.filter((name) => name != null))].toSorted())
}
