// The option `tenant` of a resource, in its long form.

import type { ResourceOptions } from './define.ts'

export interface TenantOption {
  /** Name of the field that holds the key of a record's tenant. */
  readonly field: string
  /** Names of unique constraints, or of the only field of one, that hold for all tenants together. */
  readonly sharedUniques: readonly string[]
}

/** Undefined for a resource whose records belong to no tenant. */
export function tenantOption({ tenant }: Pick<ResourceOptions, 'tenant'>): TenantOption | undefined {
  if (tenant === undefined || tenant === false) return undefined
  return typeof tenant === 'string'
    ? { field: tenant, sharedUniques: [] }
    : { field: tenant.field, sharedUniques: tenant.sharedUniques ?? [] }
}
