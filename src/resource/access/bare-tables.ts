// The tables as policies see them: with every field, every row and every relation, whatever resources show of them.

import type { Model, Relation } from '../../model/model.ts'
import { nobody } from '../../auth/policies.ts'
import type { CompiledRelation, CompiledResource } from '../registry.ts'
import type { CompiledAccess, RuleName } from './compile-access.ts'
import type { Rule } from './rule.ts'

const nobodys: Rule = { policy: nobody, parts: [], judge: (_who, negated = false) => negated }
const closed: Readonly<Record<RuleName, Rule>> = { list: nobodys, get: nobodys, create: nobodys, update: nobodys, delete: nobodys }
export const noAccess: CompiledAccess = { rules: closed, fields: new Map() }

/** By model name. */
export function bareTables(
  models: readonly Model[],
  relations: ReadonlyMap<string, readonly Relation[]>,
): ReadonlyMap<string, CompiledResource> {
  const tables = new Map(models.map((model) => [model.name, bareTable(model)]))
  for (const [name, { relations: links, model }] of tables)
    for (const relation of relations.get(name) ?? []) {
      const target = tables.get(relation.target)
      const through = relation.through && tables.get(relation.through.model)?.model
      if (target !== undefined)
        links.set(relation.name, { relation, source: model, target, through, throughResource: undefined, throughRows: true })
    }
  return tables
}

function bareTable(model: Model): CompiledResource & { readonly relations: Map<string, CompiledRelation> } {
  return {
    name: model.name,
    model,
    options: { access: {} },
    visible: model.fields,
    shown: model.fields,
    visibleByName: model.fieldByName,
    writable: [],
    operations: new Set(),
    access: noAccess,
    tenant: undefined,
    tenantFields: new Map(),
    references: [],
    rows: { list: true, get: true },
    relations: new Map(),
    search: undefined,
    defaultOrder: [],
    pageSize: 1,
    pageMax: 1,
    bulkMax: 1,
    countDefault: 'none',
    includeDepth: 0,
    cache: undefined,
    file: undefined,
  }
}
