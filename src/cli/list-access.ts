// `plinth routes --access`: who may do what, as the resources say it; no database is needed for it.

import { composeUnconnected } from '../app/describe.ts'
import { inWords } from '../auth/policies-in-words.ts'
import { type RuleName, ruleNames } from '../resource/access/compile-access.ts'
import type { CompiledResource } from '../resource/registry.ts'
import { loadApp } from './load-app.ts'
import { print, printJson, table } from './output.ts'

interface AccessRow {
  readonly resource: string
  /** An operation, or a field and what is done with it. */
  readonly operation: string
  readonly policy: string
  /** The column that holds the tenant, where records belong to one: nobody's policy leads beyond it. */
  readonly tenant?: string
}

export async function listAccess(json: boolean): Promise<void> {
  const { definition, config } = await loadApp()
  const app = await composeUnconnected(definition, config)
  const rows = [...app.engine.registry.resources.values()].flatMap(accessRows)
  if (json) return printJson(rows)
  const hasTenants = rows.some(({ tenant }) => tenant !== undefined)
  print(
    table(
      ['RESOURCE', 'OPERATION', 'POLICY', ...(hasTenants ? ['TENANT'] : [])],
      rows.map(({ resource, operation, policy, tenant }) => [resource, operation, policy, ...(hasTenants ? [tenant ?? ''] : [])]),
    ),
  )
}

const served = { list: 'list', get: 'get', create: 'create', update: 'patch', delete: 'delete' } as const

function accessRows({ name, access, operations, tenant }: CompiledResource): AccessRow[] {
  const isServed = (rule: RuleName): boolean => operations.has(served[rule]) || (rule === 'update' && operations.has('replace'))
  const rules = ruleNames.map((rule) => ({
    resource: name,
    operation: rule,
    policy: isServed(rule) ? inWords(access.rules[rule].policy) : 'nobody',
    ...(tenant === undefined ? {} : { tenant: tenant.name }),
  }))
  const fields = [...access.fields].flatMap(([field, { read, write }]) => [
    { resource: name, operation: `see ${field.name}`, policy: inWords(read.policy) },
    { resource: name, operation: `set ${field.name}`, policy: inWords(write.policy) },
  ])
  return [...rules, ...fields]
}
