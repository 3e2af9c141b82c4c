// What policies mean, said once more and without SQL: over rows in memory. For tests that compare the engine with it.

import type { Caller, Policy, RowFilter } from 'plinth'

export interface Article {
  readonly id: number
  readonly author_id: number | null
  readonly organization_id: number | null
  readonly title: string
  readonly status: string
  readonly fee: number | null
}

export interface Membership {
  readonly organization_id: number
  readonly user_id: number
  readonly role: string
}

export interface World {
  readonly articles: readonly Article[]
  readonly memberships: readonly Membership[]
  readonly users: readonly { readonly id: number; readonly name: string }[]
}

/** Whether a caller may, for a row; of a condition that is not known, whether it is met or denied, the answer is no. */
export function lets(policy: Policy, who: Caller, row: Article, world: World, denied = false): boolean {
  const own = (column: number | null): boolean => who.kind === 'user' && String(column) === who.id
  switch (policy.policy) {
    case 'anyone':
      return !denied
    case 'nobody':
      return denied
    case 'signedIn':
      return (who.kind !== 'anonymous') !== denied
    case 'role':
      return policy.roles.some((name) => who.roles.includes(name)) !== denied
    case 'permission':
      return policy.permissions.some((name) => who.permissions.includes(name)) !== denied
    case 'owner':
      return own(row.author_id) !== denied
    case 'member': {
      const mine = world.memberships.filter(({ user_id }) => own(user_id))
      const fit = mine.filter((one) => policy.role === undefined || [policy.role].flat().includes(one.role))
      return fit.some(({ organization_id }) => organization_id === row.organization_id) !== denied
    }
    case 'where': {
      const said = policy.condition(who)
      return typeof said === 'boolean' ? said !== denied : meets(said, row, world, denied)
    }
    case 'not':
      return lets(policy.inner, who, row, world, !denied)
    case 'all':
      return denied
        ? policy.policies.some((part) => lets(part, who, row, world, true))
        : policy.policies.every((part) => lets(part, who, row, world))
    case 'any':
      return denied
        ? policy.policies.every((part) => lets(part, who, row, world, true))
        : policy.policies.some((part) => lets(part, who, row, world))
  }
}

function meets(filter: RowFilter, row: Article, world: World, denied: boolean): boolean {
  const own = Object.fromEntries(Object.entries(filter).filter(([path]) => path !== 'or'))
  const or = filter['or'] as readonly RowFilter[] | undefined
  const known = Object.values(own).every((value) => value !== undefined)
  const isMet = known && Object.entries(own).every(([path, value]) => compares(valueAt(path, row, world), value)) !== denied
  if (or === undefined) return isMet
  const some = denied ? or.every((one) => meets(one, row, world, true)) : or.some((one) => meets(one, row, world, false))
  return denied ? isMet || some : isMet && some
}

/** As text; null for none. */
function valueAt(path: string, row: Article, { users }: World): string | null {
  const value = path === 'author.name' ? users.find(({ id }) => id === row.author_id)?.name : row[path as keyof Article]
  return value === null || value === undefined ? null : String(value)
}

function compares(value: string | null, wanted: RowFilter[string]): boolean {
  if (typeof wanted !== 'object' || wanted === null) return value === String(wanted)
  const { starts, ne } = wanted as { readonly starts?: string; readonly ne?: string }
  return (starts === undefined || (value ?? '').startsWith(starts)) && (ne === undefined || value !== ne)
}

/** Whether a caller is refused whatever the row is: no row that could be would be let. */
export function isClosed(policy: Policy, who: Caller, denied = false): boolean {
  switch (policy.policy) {
    case 'owner':
    case 'member':
      return !denied && who.kind !== 'user'
    case 'where':
      return false
    case 'not':
      return isClosed(policy.inner, who, !denied)
    case 'all':
    case 'any':
      return (policy.policy === 'all') === denied
        ? policy.policies.every((part) => isClosed(part, who, denied))
        : policy.policies.some((part) => isClosed(part, who, denied))
    default:
      return !lets(policy, who, {} as Article, { articles: [], memberships: [], users: [] }, denied)
  }
}

/** Whether it lets a record only to the user that it names as its author. */
export function isOwned(policy: Policy): boolean {
  return policy.policy === 'owner' || (policy.policy === 'all' && policy.policies.some(isOwned))
}
