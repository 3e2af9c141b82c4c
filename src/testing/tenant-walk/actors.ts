// Who walks: members of each tenant in each role, somebody who is a member of both and acts in one, somebody of no tenant, and nobody.

import type { Ground } from './ground.ts'
import { type Row, type Rows, type Side } from './rows.ts'
import { newCanary } from './values.ts'

export interface Actor {
  /** `owner of one`. */
  readonly name: string
  /** The tenant that the actor acts in; undefined: none. */
  readonly side: Side | undefined
  /** Whether the actor could act in the other tenant as well, and so knows that there is one. */
  readonly isInBoth: boolean
  readonly headers: Readonly<Record<string, string>>
}

export interface People {
  readonly actors: readonly Actor[]
  readonly both: Actor
}

export const sides = ['one', 'other'] as const

/** Makes users and memberships; the tenants are there. @param roles  values of the column `role` of the members, if there is one */
export async function gather(ground: Ground, rows: Rows, roles: readonly string[]): Promise<People> {
  const actors: Actor[] = []
  // The other tenant is the same the other way round: one of its people is enough.
  for (const side of sides)
    for (const role of side === 'one' ? roles : roles.slice(0, 1)) {
      const user = await addUser(ground, rows, side)
      await addMember(ground, rows, { user, side, role })
      actors.push({ name: `${role} of ${side}`, side, isInBoth: false, headers: await bearerOf(ground, keyOf(user)) })
    }
  const twofold = await addUser(ground, rows, undefined)
  for (const side of sides) await addMember(ground, rows, { user: twofold, side, role: roles[0] })
  const headers = await bearerOf(ground, keyOf(twofold))
  const both: Actor = {
    name: 'member of both in one',
    side: 'one',
    isInBoth: true,
    headers: { ...headers, 'x-tenant': tenantKey(ground, rows, 'one') },
  }
  const stranger = await bearerOf(ground, keyOf(await addUser(ground, rows, undefined)))
  const outside: Actor[] = [
    { name: 'member of none', side: undefined, isInBoth: false, headers: stranger },
    { name: 'nobody', side: undefined, isInBoth: false, headers: {} },
  ]
  return { actors: [...actors, both, ...outside], both }
}

/** The roles of members, as far as the table tells. */
export function rolesOf({ tenancy: { members } }: Ground): readonly string[] {
  const role = members.fieldByName.get('role')
  return role === undefined ? ['member'] : (role.enumValues ?? ['owner', 'member'])
}

export function tenantKey({ tenancy }: Ground, rows: Rows, side: Side): string {
  return rows.of(tenancy.tenants, side)[0]?.values.get(tenancy.key.name) ?? ''
}

function keyOf({ model, values }: Row): string {
  return values.get(model.primaryKey[0] ?? '') ?? ''
}

async function addUser({ auth, users }: Ground, rows: Rows, side: Side | undefined): Promise<Row> {
  const names = ['id', 'email', 'email_verified_at', 'disabled_at', users.softDelete]
  const own = users.fields.filter((field) => !names.includes(field.name) && !field.hasDefault && field.kind.name === 'text')
  const email = users.fieldByName.get('email')
  const values = Object.fromEntries(own.map((field) => [field.name, newCanary(field)]))
  const id = email && (await auth.parts.users.addVerified(newCanary(email), values))
  return rows.take(users, side, id ?? '')
}

interface NewMember {
  readonly user: Row
  readonly side: Side
  readonly role: string | undefined
}

async function addMember({ tenancy }: Ground, rows: Rows, { user, side, role }: NewMember): Promise<void> {
  const hasRole = tenancy.members.fieldByName.has('role') && role !== undefined
  const values = { [tenancy.user.name]: keyOf(user), ...(hasRole ? { role } : {}) }
  await rows.add({ model: tenancy.members, side, number: 0, values })
}

async function bearerOf({ auth }: Ground, id: string): Promise<Record<string, string>> {
  const user = await auth.accounts.find(id)
  if (user === undefined) throw new Error('A user that was made is not there.')
  const { access_token } = await auth.signedIn.openTokens(user, { address: '127.0.0.1', agent: 'tenant walk' })
  return { authorization: `Bearer ${access_token}` }
}
