// Which tenants a user belongs to, by the application's own table of members. What is deleted softly, member or tenant, counts no more.

import { tenantOf } from '../../core/tenant.ts'
import { anonymousCaller } from '../../core/caller.ts'
import type { Database } from '../../db/database.ts'
import type { Model } from '../../model/model.ts'
import { quoteName } from '../../model/sql-type.ts'
import { readTexts } from '../accounts/texts.ts'
import { KnownTenants } from './known-tenants.ts'
import type { Tenancy } from './read-tenancy.ts'

/** A tenant, for the people who belong to it. */
export interface Tenant {
  /** Primary key, as text. */
  readonly key: string
  /** Undefined where tenants have no column `name`. */
  readonly name: string | undefined
}

export class Memberships {
  readonly #db: Database
  readonly #tenancy: Tenancy
  readonly #userType: string
  /** What `exists` says, as it was less than a second ago. */
  readonly known = new KnownTenants((tenant) => this.exists(tenant))

  /** @param userType  of a user's key, as SQL casts to it */
  constructor(db: Database, tenancy: Tenancy, userType: string) {
    this.#db = db
    this.#tenancy = tenancy
    this.#userType = userType
  }

  /** What memberships depend on, as SQL names it. */
  get tables(): readonly string[] {
    const { members, tenants } = this.#tenancy
    return tenants.softDelete === undefined ? [members.sqlName] : [members.sqlName, tenants.sqlName]
  }

  /** `SELECT` of the keys, as text, of the tenants of the user `$1`. */
  get keysOfUser(): string {
    const { tenant, tenants } = this.#tenancy
    return `SELECT m.${quoteName(tenant.column)}::text ${this.#ofUser(tenants.softDelete !== undefined)}`
  }

  /** By name, then by key. */
  async list(user: string): Promise<Tenant[]> {
    const { key, name } = this.#tenancy
    const shown = name === undefined ? 'NULL::text' : `t.${quoteName(name.column)}::text`
    const text = `SELECT t.${quoteName(key.column)}::text AS key, ${shown} AS name ${this.#ofUser(true)} ORDER BY name, key`
    const rows = await readTexts(this.#db, { text, values: [user] })
    return rows.flatMap(([found, label]) => (isKey(found) ? [{ key: found, name: label ?? undefined }] : []))
  }

  /** Of the user `$1`: members as `m`, and their tenants as `t`. */
  #ofUser(withTenants: boolean): string {
    const { members, tenants, tenant, user, key } = this.#tenancy
    const join = withTenants ? `JOIN ${tenants.sqlName} t ON t.${quoteName(key.column)} = m.${quoteName(tenant.column)}` : ''
    const isHere = withTenants ? `${isThere('m', members)} AND ${isThere('t', tenants)}` : isThere('m', members)
    return `FROM ${members.sqlName} m ${join} WHERE m.${quoteName(user.column)} = $1::text::${this.#userType} AND ${isHere}`
  }

  /** Whether there is such a tenant, spelled as its key is. */
  async exists(tenant: string): Promise<boolean> {
    const { tenants, key } = this.#tenancy
    const text = `SELECT FROM ${tenants.sqlName} t WHERE t.${quoteName(key.column)}::text = $1::text AND ${isThere('t', tenants)}`
    return isKey(tenant) && (await this.#db.read({ text, values: [tenant] })).count > 0
  }
}

/** Keys that would stand for every tenant, or for none, are nobody's. */
export function isKey(key: string | null | undefined): key is string {
  return key != null && tenantOf({ ...anonymousCaller, tenant: key }) !== undefined
}

function isThere(alias: string, { softDelete, fieldByName }: Model): string {
  return softDelete === undefined ? 'true' : `${alias}.${quoteName(fieldByName.get(softDelete)?.column ?? softDelete)} IS NULL`
}
