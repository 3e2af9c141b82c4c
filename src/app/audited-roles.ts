// Resources of the tables of roles: who has which, and what they permit. What is written to them is in the audit.

import type { AuthOptions } from '../auth/options.ts'
import { readTable } from '../model/read-table.ts'
import type { Declaration } from '../resource/declaration.ts'
import type { HookContext, Hooks } from '../resource/define.ts'
import { tablesOfRoles } from './open-auth.ts'

type Row = Record<string, unknown>

/** A hook of ours before that of the application: part of the transaction of the write, once for each record, also in bulk. */
export function auditRoles(declarations: readonly Declaration[], auth: AuthOptions | undefined): readonly Declaration[] {
  const tables = tablesOfRoles(auth).map((table) => readTable(table).sqlName)
  return declarations.map((declaration) => {
    const place = tables.indexOf(declaration.model.sqlName)
    return place === -1 ? declaration : audited(declaration, place === 0)
  })
}

function audited({ definition, model }: Declaration, given: boolean): Declaration {
  const { hooks } = definition.options
  const afterWrite = async (row: Row, context: HookContext): Promise<void> => {
    const { operation, who, db } = context
    const { recordRoleChange } = await import('../auth/role-audit.ts')
    const record = Object.fromEntries(model.fields.map(({ name, column }) => [column, row[name]]))
    await recordRoleChange(db, { table: model.table.name, operation, record, actor: who.id }, given)
    await hooks?.afterWrite?.(row, context)
  }
  // Hooks may be an object of a class, whose methods a copy would lose.
  const both: Hooks<Row, Row> = Object.assign(Object.create(hooks ?? null), { afterWrite })
  return { model, definition: { ...definition, options: { ...definition.options, hooks: both } } }
}
