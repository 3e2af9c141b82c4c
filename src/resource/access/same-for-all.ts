// Reads that do not depend on who asks: of resources that anyone reads, with all that can be included in them.

import { isForAnyone } from '../policy.ts'
import { reachable } from '../reachable.ts'
import type { CompiledResource } from '../registry.ts'

const known = new WeakMap<CompiledResource, boolean>()

export function isSameForAll(resource: CompiledResource): boolean {
  const before = known.get(resource)
  if (before !== undefined) return before
  const isSame = [...reachable(resource)].every(isReadByAnyone)
  known.set(resource, isSame)
  return isSame
}

/** Also every field of it. */
export function isReadByAnyone(resource: CompiledResource): boolean {
  return isListedByAnyone(resource) && isForAnyone(resource.options.access, 'get')
}

export function isListedByAnyone({ options: { access } }: CompiledResource): boolean {
  return isForAnyone(access, 'list') && Object.keys(access.fields ?? {}).length === 0
}
