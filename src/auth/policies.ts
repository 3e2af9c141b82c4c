// The words for who may do what: plain frozen data. Rooms that know rows make conditions of them.

import type { Caller } from '../core/caller.ts'
import type { FilterOperator } from '../model/kinds/kind.ts'

/** Who may use an operation or a field, and of which rows. Made by the words below. */
export type Policy =
  | { readonly policy: 'anyone' | 'nobody' | 'signedIn' }
  | { readonly policy: 'role'; readonly roles: readonly string[] }
  | { readonly policy: 'permission'; readonly permissions: readonly string[] }
  | { readonly policy: 'owner'; readonly field: string }
  | ({ readonly policy: 'member'; readonly field: string } & MemberOptions)
  | { readonly policy: 'where'; readonly condition: (who: Caller) => RowCondition }
  | { readonly policy: 'all' | 'any'; readonly policies: readonly Policy[] }
  | { readonly policy: 'not'; readonly inner: Policy }

export interface MemberOptions {
  /** Table of memberships, by model name, where several or none could be it. */
  readonly through?: string
  /** Its column with the user's key, where no foreign key leads to the table of users. */
  readonly user?: string
  /** What its column `role` has to say: one of these. */
  readonly role?: string | readonly string[]
}

export type RowValue = string | number | bigint | boolean | Date | null | undefined

/** `{ gte: 5, lt: 10 }`: the operators of `filter[price][gte]=5`. */
export type RowComparison = { readonly [operator in FilterOperator]?: RowValue | readonly RowValue[] }

/**
 * Which rows, as in a query: `{ status: 'published', price: { gte: 5 }, 'author.country': 'NL', or: [{ … }, { … }] }`. What is not known
 * of a caller (`undefined`) is met by no row.
 */
export interface RowFilter {
  readonly [path: string]: RowValue | RowComparison | readonly RowFilter[]
}

/** True: every row; false: none. */
export type RowCondition = boolean | RowFilter

/** Open to every caller, signed in or not. */
export const anyone: Policy = Object.freeze({ policy: 'anyone' })

/** Closed to every caller. */
export const nobody: Policy = Object.freeze({ policy: 'nobody' })

/** Users and services, whoever they are. */
export const signedIn: Policy = Object.freeze({ policy: 'signedIn' })

/** Whoever has one of the roles. */
export function role(...roles: readonly string[]): Policy {
  return Object.freeze({ policy: 'role', roles: Object.freeze(roles) })
}

/** Whoever has one of the permissions. */
export function permission(...permissions: readonly string[]): Policy {
  return Object.freeze({ policy: 'permission', permissions: Object.freeze(permissions) })
}

/** The user whose key is in the column `field` of the row. */
export function owner(field: string): Policy {
  return Object.freeze({ policy: 'owner', field })
}

/**
 * Members of what the column `field` of the row points to.
 *
 * @example  `member('organization_id')`, `member('organization_id', { through: 'memberships', role: 'admin' })`
 */
export function member(field: string, options: MemberOptions = {}): Policy {
  return Object.freeze({ policy: 'member', field, ...options })
}

/**
 * Rows that meet a condition on the caller.
 *
 * @param condition  a function of the caller alone: it is called once for each caller, not for each request
 * @example          `where((who) => ({ status: 'published', country: who.tenant }))`
 */
export function where(condition: (who: Caller) => RowCondition): Policy {
  return Object.freeze({ policy: 'where', condition })
}

/** Whoever every one of the policies lets. */
export function all(...policies: readonly Policy[]): Policy {
  return Object.freeze({ policy: 'all', policies: Object.freeze(policies) })
}

/** Whoever one of the policies lets. */
export function any(...policies: readonly Policy[]): Policy {
  return Object.freeze({ policy: 'any', policies: Object.freeze(policies) })
}

/** Whoever the policy does not let. */
export function not(inner: Policy): Policy {
  return Object.freeze({ policy: 'not', inner })
}
