// Why a caller may or may not: which part of a policy decided what, the condition as SQL, and what it says of one record. For developers.

import { inWords } from '../../auth/policies-in-words.ts'
import type { Caller } from '../../core/caller.ts'
import { tenantOf } from '../../core/tenant.ts'
import type { Database } from '../../db/database.ts'
import { textColumns } from '../../db/rows.ts'
import { conditionSql } from '../condition-sql.ts'
import { keyCondition, keyTexts } from '../get-statement.ts'
import type { Verdict } from '../plan.ts'
import type { RecordKey } from '../request.ts'
import { SqlBuilder } from '../sql-builder.ts'
import { type RuleName, ruleNames } from './compile-access.ts'
import type { Rule } from './rule.ts'
import type { Sight } from './sights.ts'

/** Of which rows: all, none, or those that a condition chooses. */
export type Answer = 'yes' | 'no' | 'some rows'

export interface ExplainedPolicy {
  readonly policy: string
  readonly answer: Answer
  readonly parts?: readonly ExplainedPolicy[]
}

export interface ExplainedRule extends ExplainedPolicy {
  /** The clause that joins the policy, whatever that says: `organization_id = 7`; where the caller acts in no tenant, no record meets it. */
  readonly tenant?: string
  /** What all that comes to: with the scopes of a key, and for changes with what the caller has to be able to see. */
  readonly may: Answer
  /** Which rows, where that is some. */
  readonly condition?: { readonly sql: string; readonly values: readonly (string | null)[] }
  /** Of the record that was asked about. */
  readonly record?: 'yes' | 'no'
}

export interface AccessExplanation {
  readonly resource: string
  readonly caller: Pick<Caller, 'kind' | 'id' | 'roles' | 'permissions' | 'scopes' | 'tenant'>
  /** Of the record that was asked about; a deleted one is found, too. */
  readonly exists?: boolean
  readonly operations: Readonly<Record<RuleName, ExplainedRule>>
  readonly hiddenFields: readonly string[]
  readonly readOnlyFields: readonly string[]
}

/** @param db  is asked about the record with `key`, when there is one */
export async function explainAccess(sight: Sight, about?: { readonly db: Database; readonly key: RecordKey }): Promise<AccessExplanation> {
  const { who, resource, decision } = sight
  const row = about === undefined ? undefined : await askAbout(sight, about.db, about.key)
  const { kind, id, roles, permissions, scopes, tenant } = who
  return {
    resource: resource.name,
    caller: { kind, id, roles, permissions, scopes, tenant },
    ...(row === undefined ? {} : { exists: row.exists }),
    operations: Object.fromEntries(
      ruleNames.map((name) => [name, { ...explainRule(sight, name), ...(row?.may[name] === undefined ? {} : { record: row.may[name] }) }]),
    ) as unknown as AccessExplanation['operations'],
    hiddenFields: [...decision.unseen].map(({ name }) => name),
    readOnlyFields: [...decision.unset].map(({ name }) => name),
  }
}

function explainRule({ who, resource, decision }: Sight, name: RuleName): ExplainedRule {
  const verdict = decision.rows[name]
  const clause = tenantClause(resource, who)
  const tenant = clause === undefined ? {} : { tenant: clause }
  const explained = { ...explainPolicy(resource.access.rules[name], who), ...tenant, may: answerOf(verdict) }
  if (typeof verdict === 'boolean') return explained
  const sql = new SqlBuilder()
  const text = conditionSql(sql, resource.model.sqlName, verdict)
  return { ...explained, condition: { sql: text, values: sql.values } }
}

function tenantClause({ tenant }: Sight['resource'], who: Caller): string | undefined {
  if (tenant === undefined) return undefined
  const key = tenantOf(who)
  return key === undefined ? `${tenant.name} of no tenant` : `${tenant.name} = ${key}`
}

function explainPolicy(rule: Rule, who: Caller): ExplainedPolicy {
  const explained = { policy: inWords(rule.policy), answer: answerOf(rule.judge(who)) }
  return rule.parts.length === 0 ? explained : { ...explained, parts: rule.parts.map((part) => explainPolicy(part, who)) }
}

function answerOf(verdict: Verdict): Answer {
  if (typeof verdict !== 'boolean') return 'some rows'
  return verdict ? 'yes' : 'no'
}

interface AskedRow {
  readonly exists: boolean
  /** Nothing of `create`, which has no row before. */
  readonly may: { readonly [name in RuleName]?: 'yes' | 'no' }
}

async function askAbout({ resource, decision }: Sight, db: Database, key: RecordKey): Promise<AskedRow> {
  const texts = keyTexts(resource, key)
  const sql = new SqlBuilder(texts.length)
  const names = ruleNames.filter((name) => name !== 'create')
  const checks = names.map((name) => {
    const verdict = decision.rows[name]
    return typeof verdict === 'boolean' ? String(verdict) : `(${conditionSql(sql, resource.model.sqlName, verdict)}) is true`
  })
  const text = `select ${checks.join(', ')} from ${resource.model.sqlName} where ${keyCondition(resource)}`
  const rows = await db.read({ text, values: [...texts, ...sql.values] })
  if (rows.count === 0) return { exists: false, may: {} }
  const found = textColumns(rows, 0)
  return { exists: true, may: Object.fromEntries(names.map((name, i) => [name, found[i]?.startsWith('t') === true ? 'yes' : 'no'])) }
}
