// The mistakes that the option `tenant` can make: a record without a tenant, a tenant that is none, and whatever would tell one tenant what
// another has.

import { isTable, leadsTo } from '../../model/leads-to.ts'
import type { Field, Model, Relation } from '../../model/model.ts'
import { nearest } from '../../support/similar.ts'
import { type Declaration, nameOf, placeOf } from '../declaration.ts'
import type { ResourceOptions } from '../define.ts'
import { isOpen } from '../policy.ts'
import { isSerialKey } from '../serial-key.ts'
import { type TenantOption, tenantOption } from '../tenant-option.ts'

/** The field that holds the tenant, of every table that a resource with `tenant` exposes; by model name. Mistakes in it are left out. */
export function tenantFieldsOf(declarations: readonly Declaration[]): ReadonlyMap<string, Field> {
  return new Map(
    declarations.flatMap(({ definition, model }) => {
      const field = model.fieldByName.get(tenantOption(definition.options)?.field ?? '')
      return field === undefined ? [] : [[model.name, field] as const]
    }),
  )
}

/** @param tenants  name of the table of tenants; undefined where the application names none: then nothing is known of what a column refers to */
export function tenantProblems(declarations: readonly Declaration[], models: readonly Model[], tenants: string | undefined): string[] {
  const fields = tenantFieldsOf(declarations)
  return declarations.flatMap((declaration) => {
    const { definition, model } = declaration
    const option = tenantOption(definition.options)
    const problems =
      option === undefined
        ? [...unsaidProblems(declaration, declarations, models, tenants), ...sourceProblems(model, models, fields)]
        : optionProblems(option, declaration, { models, tenants, fields })
    return problems.map((problem) => `${placeOf(declaration)}: tenant: ${problem}`)
  })
}

interface Surroundings {
  readonly models: readonly Model[]
  readonly tenants: string | undefined
  readonly fields: ReadonlyMap<string, Field>
}

/** A second way to the rows would be a way around the first. */
function unsaidProblems(
  { definition, model }: Declaration,
  declarations: readonly Declaration[],
  models: readonly Model[],
  tenants: string | undefined,
): string[] {
  const other = declarations.find((one) => one.model.sqlName === model.sqlName && tenantOption(one.definition.options) !== undefined)
  const option = other && tenantOption(other.definition.options)
  if (other === undefined || option === undefined) return definition.options.tenant === false ? [] : forgotten(model, models, tenants)
  return [`records of "${model.name}" belong to tenants, as "${nameOf(other)}" says. Add tenant: '${option.field}'.`]
}

/** Records of a tenant are said to be: members, invitations and settings as well. */
function forgotten(model: Model, models: readonly Model[], tenants: string | undefined): string[] {
  const target = models.find(({ name }) => name === tenants)
  if (target === undefined || target === model) return []
  const key = model.foreignKeys.find((one) => one.fields.length === 1 && leadsTo(one, target))
  if (key === undefined) return []
  return [
    `"${model.name}" has a foreign key to "${target.name}", which auth.tenants names. Add tenant: '${key.fields[0]}', or tenant: false where its records are not one tenant's alone.`,
  ]
}

/**
 * Rows of an association table say which records belong together. Those of one tenant are held back by its resource alone: without one, whoever
 * sees both ends would see every tenant's.
 *
 * @param relations  by model name
 */
export function linkProblems(
  declarations: readonly Declaration[],
  relations: ReadonlyMap<string, readonly Relation[]>,
  models: readonly Model[],
  tenants: string | undefined,
): string[] {
  const [fields, exposed] = [tenantFieldsOf(declarations), new Set(declarations.map(({ model }) => model.name))]
  return declarations.flatMap((declaration) =>
    (relations.get(declaration.model.name) ?? []).flatMap((relation) => {
      const through = models.find(({ name }) => name === relation.through?.model)
      if (through === undefined || exposed.has(through.name) || !exposed.has(relation.target)) return []
      const ends = [relation.source, relation.target]
      const owner = through.foreignKeys.find((key) =>
        models.some((one) => leadsTo(key, one) && (one.name === tenants || (fields.has(one.name) && !ends.includes(one.name)))),
      )
      if (owner === undefined) return []
      return [
        `${placeOf(declaration)}: tenant: the relation "${relation.name}" goes through "${through.name}", whose rows belong to tenants by "${owner.fields.join(', ')}", and no resource says so. Define one with tenant, or with tenant: false where they are not one tenant's alone.`,
      ]
    }),
  )
}

/** A view shows what its tables have, of every tenant. */
function sourceProblems({ name, sources }: Model, models: readonly Model[], tenantFields: ReadonlyMap<string, Field>): string[] {
  const of = models.find((one) => tenantFields.has(one.name) && sources.some((source) => isTable(source, one)))
  if (of === undefined) return []
  const field = tenantFields.get(of.name)?.name ?? ''
  return [`"${name}" reads "${of.name}", whose records belong to tenants. Select its "${field}", and add tenant: '${field}'.`]
}

function optionProblems(option: TenantOption, { definition, model }: Declaration, around: Surroundings): string[] {
  const field = model.fieldByName.get(option.field)
  if (field === undefined) return [unknownField(option.field, model)]
  const first = around.fields.get(model.name)
  if (first !== undefined && first !== field) return [`another resource of "${model.name}" says "${first.name}". A record has one tenant.`]
  if (field.dimensions > 0) return [`"${field.name}" holds several values, and a record has one tenant.`]
  if (model.isView) return []
  return [
    ...(field.nullable ? [`"${field.name}" may be null, and a record without a tenant would be nobody's. Add .notNull().`] : []),
    ...(field.generated ? [`"${field.name}" is made by the database, and a new record gets its maker's tenant.`] : []),
    ...targetProblems(field, model, definition.options, around),
    ...uniqueProblems(field, model, option, around),
    ...unknownUniques(option, model),
  ]
}

function unknownField(name: string, { name: table, fieldByName }: Model): string {
  const near = nearest(name, fieldByName.keys())
  return `"${name}" is not a field of "${table}".${near === undefined ? '' : ` Perhaps you meant "${near}".`}`
}

/** A resource of the tenants themselves says their key: who asks sees their own. */
function targetProblems(field: Field, model: Model, { access }: ResourceOptions, { models, tenants }: Surroundings): string[] {
  const target = models.find(({ name }) => name === tenants)
  if (target === undefined) return []
  if (target.name === model.name) return ownProblems(field, model, access)
  const key = model.foreignKeys.find(({ fields }) => fields.length === 1 && fields[0] === field.name)
  const isFit = key !== undefined && leadsTo(key, target) && key.foreignFields[0] === target.primaryKey[0]
  return isFit
    ? []
    : [
        `"${field.name}" is no foreign key to "${target.name}", which auth.tenants names. Add .references(() => ${target.name}.${target.primaryKey[0] ?? 'id'}).`,
      ]
}

function ownProblems(field: Field, { name, primaryKey }: Model, access: ResourceOptions['access']): string[] {
  if (primaryKey.length !== 1 || primaryKey[0] !== field.name)
    return [`"${name}" are the tenants, so it is their key: '${primaryKey[0] ?? 'id'}'.`]
  return access !== undefined && isOpen(access, 'create')
    ? [`a new record of "${name}" is a new tenant, and would be none of its maker's. Close access.create.`]
    : []
}

/** A unique value of all tenants is one that a 409 tells them of each other. */
function uniqueProblems(field: Field, model: Model, option: TenantOption, { models, fields }: Surroundings): string[] {
  const key = model.primaryKey.length === 0 ? undefined : model.uniques[0]
  const others = model.uniques.filter((one) => one !== key)
  const keyTells = key !== undefined && !key.fields.includes(field.name) && !isShared(key, option) && tellsOfOthers(model, models, fields)
  const telling = [...others, ...model.looseUniques].filter((one) => !one.fields.includes(field.name) && !isShared(one, option))
  return [
    ...(keyTells
      ? [
          `whoever chooses the key of a new record is told whether another tenant has it. Make it a uuid of its own or serial, put "${field.name}" in it, or name "${key.name}" in sharedUniques.`,
        ]
      : []),
    ...telling.map(
      (one) =>
        `"${one.name}" is unique over all tenants: a 409 would tell one what another has. Write ${instead(one, field, model)}, or name it in sharedUniques.`,
    ),
  ]
}

/**
 * Keys that nobody can guess, that the database numbers, and those that lead to a record of the tenant tell nothing. A uuid that leads to a
 * record of no tenant, as a user's, is known to whoever sees that.
 */
function tellsOfOthers(model: Model, models: readonly Model[], tenantFields: ReadonlyMap<string, Field>): boolean {
  const { primaryKey, fieldByName, foreignKeys } = model
  const leadsToTenants = (name: string): boolean =>
    foreignKeys.some((key) => key.fields.includes(name) && models.some((one) => tenantFields.has(one.name) && leadsTo(key, one)))
  const isForeign = (name: string): boolean => foreignKeys.some((key) => key.fields.includes(name))
  return primaryKey.every((name) => {
    const field = fieldByName.get(name)
    if (field === undefined || field.generated || isSerialKey(field, model)) return false
    return !(field.kind.name === 'uuid' && !isForeign(name)) && !leadsToTenants(name)
  })
}

interface Unique {
  readonly name: string
  readonly fields: readonly string[]
  readonly where?: string
}

function isShared({ name, fields }: Unique, { sharedUniques }: TenantOption): boolean {
  return sharedUniques.includes(name) || (fields.length === 1 && sharedUniques.includes(fields[0] ?? ''))
}

/** The constraint to write, as far as it is known. */
function instead({ fields, name, where }: Unique, field: Field, { looseUniques }: Model): string {
  const columns = [field.name, ...fields].map((one) => `table.${one}`).join(', ')
  const isLoose = looseUniques.some((one) => one.name === name)
  if (!isLoose) return `unique().on(${columns})`
  return `uniqueIndex().on(${columns}${fields.length === 0 ? ', …' : ''})${where === undefined ? '' : '.where(…)'}`
}

function unknownUniques({ sharedUniques }: TenantOption, { uniques, looseUniques, name: table }: Model): string[] {
  const all = [...uniques, ...looseUniques]
  const known = all.flatMap(({ name, fields }) => (fields.length === 1 ? [name, ...fields] : [name]))
  return sharedUniques
    .filter((name) => !known.includes(name))
    .map((name) => {
      const near = nearest(name, known)
      return `sharedUniques: nothing unique of "${table}" is called "${name}".${near === undefined ? '' : ` Perhaps you meant "${near}".`}`
    })
}
