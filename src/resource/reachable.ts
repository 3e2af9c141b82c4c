// What the replies of a resource can hold: its own records, and by relations those of others.

import type { CompiledResource } from './registry.ts'

/** The resource and all that an include can lead to. A set visits what is added while it is walked. */
export function reachable(resource: CompiledResource): ReadonlySet<CompiledResource> {
  const found = new Set([resource])
  for (const { relations } of found)
    for (const { target, throughResource } of relations.values()) {
      found.add(target)
      if (throughResource !== undefined) found.add(throughResource)
    }
  return found
}
