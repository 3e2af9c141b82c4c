// Which tables an application has: those it names, those its resources expose, and those their foreign keys lead to.

import type { Model } from '../model/model.ts'
import { readTable } from '../model/read-table.ts'
import { foreignTables, isTableOrView, type TableOrView } from '../model/tables.ts'
import type { Declaration } from '../resource/declaration.ts'
import type { ResourceDefinition } from '../resource/define.ts'
import type { AppOptions } from './define.ts'
import { authTables } from './open-auth.ts'

export interface AppModels {
  readonly models: readonly Model[]
  readonly declarations: readonly Declaration[]
}

export function readModels(options: AppOptions): AppModels {
  const definitions = resourceDefinitions(options)
  const tables = allTables(options, definitions)
  const models = distinctNames(tables.map((table) => readTable(table)))
  const modelOf = (table: TableOrView): Model => models[tables.indexOf(table)] ?? readTable(table)
  return { models, declarations: definitions.map((definition) => ({ definition, model: modelOf(definition.table) })) }
}

/** Tables of the same name in several schemas are told apart by the schema: `billing_accounts`. */
function distinctNames(models: readonly Model[]): readonly Model[] {
  const counts = Map.groupBy(models, ({ name }) => name)
  return models.map((model) => {
    const { schema } = model.table
    const isAlone = counts.get(model.name)?.length === 1
    return isAlone || schema === undefined ? model : Object.freeze({ ...model, name: `${schema}_${model.name}` })
  })
}

export function resourceDefinitions({ resources }: AppOptions): readonly ResourceDefinition[] {
  return Object.values(resources).filter(isResourceDefinition)
}

function isResourceDefinition(value: unknown): value is ResourceDefinition {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'resource'
}

function allTables(options: AppOptions, definitions: readonly ResourceDefinition[]): readonly TableOrView[] {
  const found = new Set<TableOrView>([
    ...Object.values(options.models ?? {}).filter(isTableOrView),
    ...definitions.map(({ table }) => table),
    ...authTables(options),
  ])
  // A set visits what is added while it is walked, so this follows foreign keys as far as they go.
  for (const table of found) for (const foreign of foreignTables(table)) found.add(foreign)
  return [...found]
}

/** What the migration differ is given: tables, views, enums and sequences by export name. */
export function schemaOf(options: AppOptions): Readonly<Record<string, unknown>> {
  const named = options.models ?? {}
  const known = new Set(Object.values(named))
  const others = allTables(options, resourceDefinitions(options)).filter((table) => !known.has(table))
  return { ...named, ...Object.fromEntries(others.map((table, i) => [`table_${i}`, table])) }
}
