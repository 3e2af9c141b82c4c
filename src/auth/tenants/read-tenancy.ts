// What `auth.tenants` names, checked at the start: who belongs to a tenant must follow from one table, in one way.

import { leadsTo } from '../../model/leads-to.ts'
import type { Field, Model } from '../../model/model.ts'
import { readTable } from '../../model/read-table.ts'
import { accountErrors } from '../account-errors.ts'
import type { TenantOptions } from '../options.ts'

export interface Tenancy {
  readonly tenants: Model
  /** Primary key of a tenant. */
  readonly key: Field
  /** What people know a tenant by, where it has a column `name`. */
  readonly name: Field | undefined
  readonly members: Model
  /** The member's user. */
  readonly user: Field
  /** The member's tenant. */
  readonly tenant: Field
}

/** @throws AppError AUTH_INVALID_SETUP */
export function readTenancy(options: TenantOptions, users: Model): Tenancy {
  const [tenants, members] = [readTable(options.table), readTable(options.members)]
  const key = tenants.primaryKey.length === 1 ? tenants.fieldByName.get(tenants.primaryKey[0] ?? '') : undefined
  if (key === undefined) throw accountErrors.INVALID_SETUP(`the primary key of the tenants, "${tenants.name}", must be one column`)
  const [user, tenant] = [onlyWay(members, users, 'id'), onlyWay(members, tenants, key.name)]
  if (!members.uniques.some(({ fields }) => fields.length === 2 && fields.includes(user.name) && fields.includes(tenant.name)))
    throw accountErrors.INVALID_SETUP(
      `"${members.name}" must have a primary key or unique constraint over "${user.name}" and "${tenant.name}": a user is a member of a tenant once`,
    )
  return { tenants, key, name: tenants.fieldByName.get('name'), members, user, tenant }
}

function onlyWay(members: Model, to: Model, key: string): Field {
  const ways = members.foreignKeys.filter((one) => leadsTo(one, to) && one.fields.length === 1 && one.foreignFields[0] === key)
  const field = members.fieldByName.get(ways[0]?.fields[0] ?? '')
  if (field !== undefined && ways.length === 1) return field
  const found = ways.length === 0 ? 'none' : ways.map(({ fields }) => `"${fields.join()}"`).join(' and ')
  throw accountErrors.INVALID_SETUP(`"${members.name}" must have one foreign key to "${to.name}" ("${key}"), and has ${found}`)
}
