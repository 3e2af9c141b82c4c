// Reads that do not depend on who asks: of resources that anyone reads, with all that can be included in them.

import { isForAnyone } from '../policy.ts'
import { reachable } from '../reachable.ts'
import type { CompiledResource } from '../registry.ts'

const known = new WeakMap<CompiledResource, boolean>()

export function isSameForAll(resource: CompiledResource): boolean {
  const before = known.get(resource)
  if (before !== undefined) return before
  const isSame = [...reachable(resource)].every((one) => isReadByAnyone(one) && !mayBeHeld(one))
  known.set(resource, isSame)
  return isSame
}

/** For code of the application, which sees everything but what is another tenant's. */
export function isOfNoTenant(resource: CompiledResource): boolean {
  return [...reachable(resource)].every(({ tenant }) => tenant === undefined)
}

/** A view of which nobody knows what it reads: row-level security may show each tenant another part of it. */
export function mayBeHeld({ model, options, tenantFields }: CompiledResource): boolean {
  return model.isView && model.sources.length === 0 && options.tenant !== false && tenantFields.size > 0
}

/** Also every field of it. */
export function isReadByAnyone(resource: CompiledResource): boolean {
  return isListedByAnyone(resource) && isForAnyone(resource.options.access, 'get')
}

export function isListedByAnyone({ options: { access }, tenant }: CompiledResource): boolean {
  return tenant === undefined && isForAnyone(access, 'list') && Object.keys(access.fields ?? {}).length === 0
}
