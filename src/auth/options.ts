// What an application says about who signs in to it: `auth` in defineApp.

import type { PgTable } from 'drizzle-orm/pg-core'
import type { RoleDefaults } from './accounts/roles.ts'
import type { UsersTable } from './tables/roles.ts'
import type { WhenAccepted } from './invitations/invitations.ts'
import type { OAuthProvider } from './oauth/provider.ts'
import type { SigningAlgorithm } from './tokens/algorithms.ts'

/** Where tenants stand, and who belongs to them. */
export interface TenantOptions {
  /** The table of tenants: `organizations`. Its primary key is one column. */
  readonly table: PgTable
  /** Who belongs to which: an association table with one foreign key to the users and one to the tenants, unique over the two. */
  readonly members: PgTable
}

export interface AuthOptions {
  /** The table with `userColumns`. */
  readonly users: UsersTable
  /** What `userRoles(users)` made; without it there are no roles. */
  readonly userRoles?: PgTable
  /** Roles that are made when they are not there, each with its permissions: `{ editor: ['articles.publish'] }`. */
  readonly roles?: RoleDefaults
  /** Makes every request act in one tenant at most: `{ table: organizations, members: memberships }`. */
  readonly tenants?: TenantOptions
  /** `closed`: accounts are made by code alone. Default: `open`. */
  readonly signUp?: 'open' | 'closed'
  /** Columns of the users' own that sign-up takes beside address and password: `['display_name']`. */
  readonly signUpFields?: readonly string[]
  /** Whether somebody may sign in before the address is confirmed. Default: `refused`. */
  readonly unverified?: 'refused' | 'allowed'
  readonly session?: {
    /** Without use for so long it is over: `7d`, the default. */
    readonly idle?: string
    /** Over after that, however it is used; default `30d`. */
    readonly lifetime?: string
  }
  /** Other sites that people sign in by, by the name that stands in addresses: `{ google: { issuer: 'https://accounts.google.com', clientId, clientSecret } }`. */
  readonly providers?: Readonly<Record<string, OAuthProvider>>
  /** Does what an invitation promises beyond roles, in the transaction in which it is accepted: makes the user a member of `data.organization`. */
  readonly invitationAccepted?: WhenAccepted
  readonly tokens?: {
    /** Default: `EdDSA`, which others can verify by `/.well-known/jwks.json`; `HS256` is for this application alone. */
    readonly algorithm?: SigningAlgorithm
    /** Of an access token: `10m`, the default and the most. */
    readonly lifetime?: string
    /** How long a refresh token that was used gives the same answer again, for two tabs that refresh at once: `10s`, the default; `0` for never. */
    readonly refreshGrace?: string
  }
}
