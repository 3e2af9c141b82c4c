// Definitions and tables → compiled resources. All mistakes are collected and reported together.

import { cacheSettings } from '../cache/options.ts'
import { AppError } from '../core/errors.ts'
import type { Field, Model, Relation } from '../model/model.ts'
import { deriveRelations } from '../model/relations.ts'
import { bareTables, noAccess } from './access/bare-tables.ts'
import { absenceProblems } from './access/check-absence.ts'
import { linkProblems, tenantFieldsOf, tenantProblems } from './access/check-tenant.ts'
import { compileAccess } from './access/compile-access.ts'
import { decideForCode } from './access/decide.ts'
import { isOfNoTenant } from './access/same-for-all.ts'
import type { Ground } from './access/rule.ts'
import type { OnTimed } from './access/where.ts'
import { Sights } from './access/sights.ts'
import { tenantReferences } from './access/tenant.ts'
import { checkDefinition, possibleOperations } from './check.ts'
import { cachingProblems } from './check-caching.ts'
import { isClosedToWrites } from './closed-to-writes.ts'
import { type Declaration, nameOf, placeOf } from './declaration.ts'
import type { Operation, ThroughRelation } from './define.ts'
import { resourceErrors } from './errors.ts'
import { fieldNamed } from './field-named.ts'
import { isOpen } from './policy.ts'
import { type CompiledRelation, type CompiledResource, type Registry, whereIs } from './registry.ts'
import { isSerialKey } from './serial-key.ts'
import { parseSort, planSort } from './sort.ts'

export const pageDefaults = { size: 25, max: 200 } as const
const bulkDefault = 1000
const includeDepthDefault = 4

export interface CompileOptions {
  /** Names of the tables whose keys callers have. */
  readonly users?: string | undefined
  readonly tenants?: string | undefined
  /** Is told, with its place, of a condition that looks at the time when it is asked about somebody. Default: what asks for it fails. */
  readonly onTimed?: OnTimed | undefined
}

function refuseTimed(problem: string): never {
  throw new Error(problem)
}

type Mutable<type> = { -readonly [key in keyof type]: type[key] }

/**
 * @param models  every model of the application, also those without a resource: association tables lead somewhere
 * @throws        RESOURCE_INVALID_DEFINITION with every mistake of every resource
 */
export function compileResources(
  declarations: readonly Declaration[],
  models: readonly Model[],
  declared?: unknown,
  { users = 'users', tenants, onTimed = refuseTimed }: CompileOptions = {},
): Registry {
  const problems = [
    ...duplicateNames(declarations),
    ...declarations.flatMap((declaration) => checkDefinition(declaration)),
    ...tenantProblems(declarations, models, tenants),
  ]
  const derived = deriveRelations(models, relationNames(declarations), declared)
  problems.push(...derived.problems, ...linkProblems(declarations, derived.relations, models, tenants))
  const ground = { tables: bareTables(models, derived.relations), models, users, onTimed }
  const accesses = declarations.map((declaration) => accessOf(declaration, ground, problems))
  const tenantFields = tenantFieldsOf(declarations)
  problems.push(...absences(declarations, accesses, tenantFields))
  if (problems.length > 0) throw resourceErrors.INVALID_DEFINITION(problems)
  const resources = declarations.map((declaration, i) => ({
    ...compileResource(declaration, accesses[i] as CompiledResource['access'], users, tenantFields.get(declaration.model.name)),
    tenantFields,
    references: tenantReferences(declaration.model, models, tenantFields),
  }))
  linkRelations(resources, derived.relations, models)
  const problemsOfLinks = [...setDefaultOrders(resources), ...cachingProblems(resources, tenants !== undefined)]
  if (problemsOfLinks.length > 0) throw resourceErrors.INVALID_DEFINITION(problemsOfLinks)
  return {
    resources: new Map(resources.map((resource) => [resource.name, resource])),
    models: new Map(models.map((model) => [model.name, model])),
    sights: new Sights(),
    codeSights: new Sights(decideForCode, isOfNoTenant),
  }
}

interface Grounds extends Omit<Ground, 'table'> {
  readonly tables: ReadonlyMap<string, CompiledResource>
}

/** @param problems  gets the mistakes of the access, with their place */
function accessOf(declaration: Declaration, { tables, ...rest }: Grounds, problems: string[]): CompiledResource['access'] {
  const { definition, model } = declaration
  const table = tables.get(model.name)
  if (definition.options.access === undefined || table === undefined) return noAccess
  const found: string[] = []
  const onTimed = (problem: string): void => rest.onTimed(`${placeOf(declaration)}: ${problem}`)
  const access = compileAccess(definition.options, { table, ...rest, onTimed }, found)
  problems.push(...found.map((problem) => `${placeOf(declaration)}: ${problem}`))
  return access
}

/** Of records that belong to tenants only the caller's are asked about, and those may be without others. */
function absences(
  declarations: readonly Declaration[],
  accesses: readonly CompiledResource['access'][],
  tenantFields: ReadonlyMap<string, Field>,
): string[] {
  return declarations.flatMap((declaration, i) => {
    const access = tenantFields.has(declaration.model.name) ? undefined : accesses[i]
    return access === undefined ? [] : absenceProblems(access, tenantFields).map((problem) => `${placeOf(declaration)}: ${problem}`)
  })
}

function duplicateNames(declarations: readonly Declaration[]): string[] {
  const seen = new Map<string, Declaration>()
  return declarations.flatMap((declaration) => {
    const name = nameOf(declaration)
    const first = seen.get(name)
    if (first === undefined) seen.set(name, declaration)
    return first === undefined
      ? []
      : [
          `${placeOf(declaration)} and ${placeOf(first)} are both named "${name}". Give one of them a name: defineResource(table, { name: '…' }).`,
        ]
  })
}

/** What the resources say about relations of their tables, by model name. */
function relationNames(declarations: readonly Declaration[]): ReadonlyMap<string, Readonly<Record<string, string | ThroughRelation>>> {
  return new Map(declarations.map(({ definition, model }) => [model.name, definition.options.relations ?? {}]))
}

function compileResource(
  declaration: Declaration,
  access: CompiledResource['access'],
  users: string,
  tenant: Field | undefined,
): Mutable<CompiledResource> {
  const { definition, model } = declaration
  const { options } = definition
  const visible = model.fields.filter((field) => !options.hidden?.includes(field.name))
  const possible = possibleOperations(model).filter((operation) => isOpen(options.access, operation))
  return {
    name: nameOf(declaration),
    model,
    options,
    visible,
    shown: visible,
    visibleByName: new Map(visible.map((field) => [field.name, field])),
    writable: model.fields.filter(
      (field) => field !== tenant && isWritable(field, model, declaration) && !isClosedToWrites(field.name, model, users, options),
    ),
    operations: new Set<Operation>(
      options.operations === undefined ? possible : possible.filter((operation) => options.operations?.includes(operation)),
    ),
    access,
    tenant,
    tenantFields: new Map(),
    references: [],
    rows: { list: true, get: true },
    relations: new Map(),
    search: compileSearch(declaration),
    defaultOrder: [],
    pageSize: options.page?.size ?? Math.min(pageDefaults.size, options.page?.max ?? pageDefaults.max),
    pageMax: options.page?.max ?? pageDefaults.max,
    bulkMax: options.bulk?.max ?? bulkDefault,
    countDefault: options.count ?? 'none',
    includeDepth: options.include?.maxDepth ?? includeDepthDefault,
    cache: options.cache === undefined ? undefined : cacheSettings(options.cache),
    file: definition.file,
  }
}

function isWritable(field: Field, model: Model, { definition }: Declaration): boolean {
  const { hidden, readOnly } = definition.options
  const kept = field.onUpdate !== undefined || field.name === model.softDelete || field.name === 'created_at'
  return !field.generated && !kept && !isSerialKey(field, model) && !hidden?.includes(field.name) && !readOnly?.includes(field.name)
}

function compileSearch({ definition, model }: Declaration): CompiledResource['search'] {
  const { search } = definition.options
  if (search === undefined) return undefined
  const { fields, language = 'simple' } = 'fields' in search ? search : { fields: search }
  return { fields: fields.map((name) => fieldNamed(model, name)), language }
}

function linkRelations(
  resources: readonly Mutable<CompiledResource>[],
  relations: ReadonlyMap<string, readonly Relation[]>,
  models: readonly Model[],
): void {
  const modelByName = new Map(models.map((model) => [model.name, model]))
  const resourceByModel = new Map(resources.toReversed().map((resource) => [resource.model.name, resource]))
  for (const resource of resources) {
    const links = (relations.get(resource.model.name) ?? []).flatMap((relation): CompiledRelation[] => {
      const target = resourceByModel.get(relation.target)
      const through = relation.through === undefined ? undefined : modelByName.get(relation.through.model)
      if (target?.operations.has('list') !== true) return []
      const throughResource = through && resourceByModel.get(through.name)
      return [{ relation, source: resource.model, target, through, throughResource, throughRows: true }]
    })
    resource.relations = new Map(links.map((link) => [link.relation.name, link]))
  }
}

/** The order may lead through relations, so it is planned when they are known. @returns mistakes in it */
function setDefaultOrders(resources: readonly Mutable<CompiledResource>[]): string[] {
  return resources.flatMap((resource) => {
    const { sort } = resource.options
    try {
      resource.defaultOrder = planSort(resource, sort === undefined ? [] : parseSort(sort))
      return []
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return [`${whereIs(resource)}: sort: ${error.message} ${error.hint ?? ''}`.trimEnd()]
    }
  })
}
