// The access of a resource, ready to be asked about callers. Mistakes in it are found here, all at once.

import { anyone, type Policy } from '../../auth/policies.ts'
import type { Field } from '../../model/model.ts'
import { nearest } from '../../support/similar.ts'
import type { Access, FieldAccess, ResourceOptions } from '../define.ts'
import { policyOf } from '../policy.ts'
import { looksAtRows, policyProblems } from './check-policy.ts'
import { compileRule, type Ground, type Rule } from './rule.ts'

/** What is decided about a resource. Replacing and patching are one, and so are deleting and restoring. */
export const ruleNames = ['list', 'get', 'create', 'update', 'delete'] as const
export type RuleName = (typeof ruleNames)[number]

export interface FieldRules {
  readonly read: Rule
  readonly write: Rule
}

export interface CompiledAccess {
  readonly rules: Readonly<Record<RuleName, Rule>>
  /** Fields with policies of their own. */
  readonly fields: ReadonlyMap<Field, FieldRules>
}

const operationOf = { list: 'list', get: 'get', create: 'create', update: 'patch', delete: 'delete' } as const
const words: readonly string[] = ['read', 'list', 'get', 'write', 'create', 'update', 'delete', 'fields']

/** @param problems  gets a sentence for each mistake */
export function compileAccess(options: ResourceOptions, ground: Ground, problems: string[]): CompiledAccess {
  const { access } = options
  const policies = Object.entries(access).filter(([word]) => word !== 'fields') as [string, Policy][]
  problems.push(...Object.keys(access).flatMap(wordProblem))
  const broken = policies.flatMap(([word, policy]) => policyProblems(policy).map((problem) => `access.${word}: ${problem}`))
  problems.push(...broken)
  const ruleOf = (policy: Policy): Rule => compileRule(policy, ground, [])
  if (broken.length > 0) return { rules: rulesOf({}, ruleOf), fields: new Map() }
  for (const [word, policy] of policies) problems.push(...ruleProblems(policy, ground).map((problem) => `access.${word}: ${problem}`))
  return { rules: rulesOf(access, ruleOf), fields: fieldRules(options, ground, problems) }
}

function rulesOf(access: Access, ruleOf: (policy: Policy) => Rule): CompiledAccess['rules'] {
  return Object.fromEntries(ruleNames.map((name) => [name, ruleOf(policyOf(access, operationOf[name]))])) as CompiledAccess['rules']
}

function wordProblem(word: string): string[] {
  if (words.includes(word)) return []
  const near = nearest(word, words)
  return [`access: "${word}" is not an operation.${near === undefined ? '' : ` Perhaps you meant "${near}".`}`]
}

function ruleProblems(policy: Policy, ground: Ground): string[] {
  const problems: string[] = []
  compileRule(policy, ground, problems)
  return problems
}

function fieldRules({ access, hidden }: ResourceOptions, ground: Ground, problems: string[]): ReadonlyMap<Field, FieldRules> {
  const rules = new Map<Field, FieldRules>()
  for (const [name, given] of Object.entries(access.fields ?? {})) {
    const policies = fieldPolicies(given as FieldAccess)
    const found = [...wayProblems(given as FieldAccess), ...fieldProblems(name, policies, hidden ?? [], ground)]
    const field = ground.table.model.fieldByName.get(name)
    problems.push(...found.map((problem) => `access.fields.${name}: ${problem}`))
    if (field === undefined || found.length > 0) continue
    rules.set(field, { read: compileRule(policies.read, ground, []), write: compileRule(policies.write, ground, []) })
  }
  return rules
}

/** A word that is none would leave the field open. */
function wayProblems(given: FieldAccess): string[] {
  if (typeof given !== 'object' || given === null || 'policy' in given) return []
  return Object.keys(given).flatMap((word) => (word === 'read' || word === 'write' ? [] : [`"${word}" is neither read nor write.`]))
}

/** What somebody cannot see, they cannot set either, unless `write` says so. */
export function fieldPolicies(given: FieldAccess): { readonly read: Policy; readonly write: Policy } {
  if ('policy' in given) return { read: given, write: given }
  const read = given.read ?? anyone
  return { read, write: given.write ?? read }
}

function fieldProblems(
  name: string,
  { read, write }: ReturnType<typeof fieldPolicies>,
  hidden: readonly string[],
  { table }: Ground,
): string[] {
  const { fieldByName, primaryKey } = table.model
  if (!fieldByName.has(name)) return [`"${name}" is not a field of "${table.model.name}".${near(name, fieldByName.keys())}`]
  const problems = [...policyProblems(read), ...policyProblems(write)]
  if (problems.length > 0) return [...new Set(problems)]
  return [
    ...(hidden.includes(name) ? ['it is hidden from everybody.'] : []),
    ...(primaryKey.includes(name) && read.policy !== 'anyone'
      ? ['the key is a part of every address: it is seen by whoever sees the record.']
      : []),
    ...(looksAtRows(read) || looksAtRows(write)
      ? ['a field is shown or not, whatever the row: owner, member and where are for operations.']
      : []),
  ]
}

function near(name: string, names: Iterable<string>): string {
  const found = nearest(name, names)
  return found === undefined ? '' : ` Perhaps you meant "${found}".`
}
