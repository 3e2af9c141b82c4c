// What caches of others may keep of a reply, with all that can be included in it: what that shows must be meant for whoever they show it to.

import { isListedByAnyone, isOfNoTenant, isSameForAll, mayBeHeld } from './access/same-for-all.ts'
import { reachable } from './reachable.ts'
import { type CompiledResource, whereIs } from './registry.ts'

/** @param changesTenant  whether a caller may go from one tenant to another */
export function cachingProblems(resources: readonly CompiledResource[], changesTenant: boolean): string[] {
  return [...publicLeaks(resources), ...agedLeaks(resources, changesTenant)]
}

/** What a shared cache keeps must be for everybody, also what is included in it. */
function publicLeaks(resources: readonly CompiledResource[]): string[] {
  const shared = resources.filter(({ options }) => options.cacheControl?.public === true)
  return shared.flatMap((resource) =>
    [...reachable(resource)]
      .filter((one) => !isListedByAnyone(one) || mayBeHeld(one))
      .map((one) => `${whereIs(resource)}: cacheControl.public: its replies can include "${one.name}", ${notForAll(one)}`),
  )
}

function notForAll(resource: CompiledResource): string {
  return mayBeHeld(resource)
    ? 'a view that may read records of tenants: its SQL does not tell. Say tenant: false if it does not.'
    : 'which not anyone may read.'
}

/** Whoever changes to another tenant asks at the same address, with the same cookie. */
function agedLeaks(resources: readonly CompiledResource[], changesTenant: boolean): string[] {
  const aged = resources.filter(({ options }) => options.cacheControl?.maxAge !== undefined)
  const depends = (resource: CompiledResource): boolean =>
    !isOfNoTenant(resource) || [...reachable(resource)].some(mayBeHeld) || (changesTenant && !isSameForAll(resource))
  return aged
    .filter(depends)
    .map(
      (resource) =>
        `${whereIs(resource)}: cacheControl.maxAge: its replies depend on the tenant. Whoever changes to another asks at the same address, and a browser would show the one before. Leave it out.`,
    )
}
