// What the cached resources of an application need of its tables, and those of tenants: told to migrations, which put it there.

import { noTracking, type Tracking } from '../db/migrate/tracking.ts'
import type { Model, TableName } from '../model/model.ts'
import { readTable } from '../model/read-table.ts'
import { policyTables } from '../resource/access/policy-tables.ts'
import type { CompiledRelation, CompiledResource, Registry } from '../resource/registry.ts'
import { readRegistry } from './create.ts'
import type { AppDefinition } from './define.ts'
import { resourceDefinitions } from './models.ts'
import { authTables } from './open-auth.ts'
import { walledTables } from './wall.ts'

/**
 * Resources are compiled only when one is cached: a migration is written while an application has mistakes, too.
 *
 * @throws AppError RESOURCE_INVALID_DEFINITION
 */
export function trackingOf(definition: AppDefinition): Tracking {
  const isCached = resourceDefinitions(definition.options).some(({ options }) => options.cache !== undefined)
  const tracking = isCached ? trackingFor(readRegistry(definition)) : noTracking
  // What a caller may do is believed until one of these changes.
  const asked = authTables(definition.options).map((table) => nameOf(readTable(table).table))
  const tracked = [...new Set([...tracking.tracked, ...asked])].toSorted()
  const walls = walledTables(definition).map(({ model, column }) => [nameOf(model.table), column] as const)
  const walled: Record<string, string> = Object.fromEntries(walls)
  return { ...tracking, tracked, ...(walls.length === 0 ? {} : { walled }) }
}

/** Tables of cached resources, and every table that their relations lead to as deep as they may be included. Views have no triggers. */
export function trackingFor({ resources }: Registry): Tracking {
  const cached = [...resources.values()].filter(({ options, model }) => options.cache !== undefined && !model.isView)
  const reached = new Set(cached.flatMap((resource) => [...modelsFrom(resource, resource.includeDepth)]))
  return {
    versioned: namesOf(cached.map(({ model }) => model).filter(({ primaryKey }) => primaryKey.length > 0)),
    tracked: namesOf([...reached].filter(({ isView }) => !isView)),
    fenced: namesOf(cached.filter(isFenced).map(({ model }) => model)),
  }
}

function isFenced({ options: { cache } }: CompiledResource): boolean {
  return typeof cache === 'object' && cache.mode === 'fenced'
}

/** The model of a resource, those that its relations lead to, the association tables on the way, and what decides who may see all those. */
function modelsFrom(resource: CompiledResource, depth: number): Set<Model> {
  const found = new Set([resource.model, ...policyTables(resource)])
  const visited = new Set([resource])
  let level = [resource]
  for (let step = 0; step < depth; step++) {
    const links = level.flatMap(({ relations }) => [...relations.values()])
    for (const link of links) for (const model of modelsOf(link)) found.add(model)
    level = [...new Set(links.map(({ target }) => target))].filter((target) => !visited.has(target))
    for (const target of level) visited.add(target)
  }
  return found
}

function modelsOf({ target, through, throughResource }: CompiledRelation): readonly Model[] {
  const own = through === undefined ? [target.model] : [target.model, through]
  return [...own, ...[target, throughResource].flatMap((one) => (one === undefined ? [] : [...policyTables(one)]))]
}

function namesOf(models: readonly Model[]): string[] {
  return [...new Set(models.map(({ table }) => nameOf(table)))].toSorted()
}

function nameOf({ schema = 'public', name }: TableName): string {
  return `${schema}.${name}`
}
