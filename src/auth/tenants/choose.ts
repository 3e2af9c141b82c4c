// The one tenant that a request acts in.

import { tenantErrors } from './tenant-errors.ts'

/**
 * By the header, else by the session, else the only one there is. Who was put out of the tenant that the session has chosen acts in none: what
 * he goes on writing must not go to another one unasked.
 *
 * @param tenants  that the user belongs to
 * @param named    `X-Tenant`
 * @param chosen   what the session has kept; anything but a text: nothing
 * @throws AppError AUTH_NOT_A_MEMBER
 */
export function chooseTenant(tenants: readonly string[], named: string | undefined, chosen: unknown): string | undefined {
  if (named !== undefined) return demandMember(tenants, named)
  if (typeof chosen === 'string') return tenants.includes(chosen) ? chosen : undefined
  return tenants.length === 1 ? tenants[0] : undefined
}

/** @throws AppError AUTH_NOT_A_MEMBER */
export function demandMember(tenants: readonly string[], tenant: string): string {
  if (!tenants.includes(tenant)) throw tenantErrors.NOT_A_MEMBER()
  return tenant
}
