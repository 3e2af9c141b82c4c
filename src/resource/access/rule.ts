// A policy joined with the table that it is about: asked about a caller, it says which rows.

import type { Policy } from '../../auth/policies.ts'
import type { Caller } from '../../core/caller.ts'
import { leadsTo } from '../../model/leads-to.ts'
import type { Field, ForeignKey, Model } from '../../model/model.ts'
import { parseFilterText } from '../../model/parse-field.ts'
import type { Condition, Verdict } from '../plan.ts'
import type { CompiledResource } from '../registry.ts'
import { type Membership, membershipOf } from './membership.ts'
import { allOf, anyOf, turned } from './verdicts.ts'
import { type OnTimed, whereProblems, whereVerdict } from './where.ts'

export interface Rule {
  readonly policy: Policy
  /** Those that it is made of. */
  readonly parts: readonly Rule[]
  /** @param negated  asks for the rows that it does not let */
  judge(who: Caller, negated?: boolean): Verdict
}

/** What a policy may be about. */
export interface Ground {
  /** The table with every field and every relation, whoever may see them. */
  readonly table: CompiledResource
  readonly models: readonly Model[]
  /** Name of the table of users. */
  readonly users: string
  readonly onTimed: OnTimed
}

/** @param problems  gets a sentence for each mistake */
export function compileRule(policy: Policy, ground: Ground, problems: string[]): Rule {
  switch (policy.policy) {
    case 'anyone':
    case 'nobody':
      return ofCaller(policy, () => policy.policy === 'anyone')
    case 'signedIn':
      return ofCaller(policy, ({ kind }) => kind !== 'anonymous')
    case 'role':
      return ofCaller(policy, ({ roles }) => policy.roles.some((name) => roles.includes(name)))
    case 'permission':
      return ofCaller(policy, ({ permissions }) => policy.permissions.some((name) => permissions.includes(name)))
    case 'owner':
      return ownerRule(policy, ground, problems)
    case 'member':
      return memberRule(policy, ground, problems)
    case 'where':
      problems.push(...whereProblems(policy.condition, ground.table))
      return {
        policy,
        parts: [],
        judge: (who, negated = false) => whereVerdict(policy.condition, ground.table, who, negated, ground.onTimed),
      }
    case 'all':
    case 'any': {
      const parts = policy.policies.map((part) => compileRule(part, ground, problems))
      return { policy, parts, judge: (who, negated = false) => joinedVerdict(policy.policy, parts, who, negated) }
    }
    case 'not': {
      const inner = compileRule(policy.inner, ground, problems)
      return { policy, parts: [inner], judge: (who, negated = false) => inner.judge(who, !negated) }
    }
  }
}

function ofCaller(policy: Policy, lets: (who: Caller) => boolean): Rule {
  return { policy, parts: [], judge: (who, negated = false) => lets(who) !== negated }
}

/** What is not let by all is let not by one of them. */
function joinedVerdict(word: 'all' | 'any', parts: readonly Rule[], who: Caller, negated: boolean): Verdict {
  const verdicts = parts.map((part) => part.judge(who, negated))
  return (word === 'all') === negated ? anyOf(verdicts) : allOf(verdicts)
}

type OwnerPolicy = Extract<Policy, { policy: 'owner' }>
type MemberPolicy = Extract<Policy, { policy: 'member' }>

function ownerRule(policy: OwnerPolicy, ground: Ground, problems: string[]): Rule {
  const { model } = ground.table
  const field = model.fieldByName.get(policy.field)
  if (field === undefined) problems.push(`owner: "${policy.field}" is not a field of "${model.name}".`)
  else problems.push(...ownerProblems(field, model, ground))
  return ofRow(policy, (who) => {
    const isTheirs = field && isUser(field, who)
    return isTheirs && { ...isTheirs, own: true }
  })
}

/** A column of something else holds numbers, too: whoever's key is the same would own what is not theirs. */
function ownerProblems(field: Field, model: Model, ground: Ground): string[] {
  if (field.dimensions > 0) return [`owner: "${field.name}" holds several values, and a record has one owner.`]
  const key = model.foreignKeys.find(({ fields }) => fields.length === 1 && fields[0] === field.name)
  if (key === undefined || leadsToUsers(key, ground)) return []
  return [`owner: "${field.name}" refers to "${key.foreignTable.name}", and not to "${ground.users}".`]
}

/** Directly, or over a table whose own key is that of a user, as a profile's. Without a table of users nothing is known. */
function leadsToUsers(key: ForeignKey, ground: Ground, depth = 3): boolean {
  const { models, users } = ground
  const [target, usersModel] = [models.find((one) => leadsTo(key, one)), models.find(({ name }) => name === users)]
  if (usersModel === undefined || target === undefined || target === usersModel) return true
  const next = target.foreignKeys.find(({ fields }) => fields.length === 1 && fields[0] === key.foreignFields[0])
  return depth > 0 && next !== undefined && leadsToUsers(next, ground, depth - 1)
}

function memberRule(policy: MemberPolicy, ground: Ground, problems: string[]): Rule {
  const found = membershipOf(policy, ground.table.model, ground.models, ground.users)
  if ('problem' in found) problems.push(found.problem)
  return ofRow(policy, (who) => ('problem' in found ? undefined : isMember(found, who)))
}

/** @param rowsOf  undefined: no row can be of this caller */
function ofRow(policy: Policy, rowsOf: (who: Caller) => Condition | undefined): Rule {
  return { policy, parts: [], judge: (who, negated = false) => turned(rowsOf(who) ?? false, negated) }
}

/** A service is not a user, whatever its name is. */
function isUser(field: Field, { kind, id }: Caller): Extract<Condition, { type: 'compare' }> | undefined {
  if (kind !== 'user' || id === undefined) return undefined
  const parsed = parseFilterText(field, id)
  return 'problem' in parsed ? undefined : { type: 'compare', field, operator: 'eq', values: [parsed.value] }
}

function isMember({ from, model, to, user, roles }: Membership, who: Caller): Condition | undefined {
  const isTheirs = isUser(user, who)
  if (isTheirs === undefined) return undefined
  const hasRole: readonly Condition[] =
    roles === undefined ? [] : [{ type: 'compare', field: roles.field, operator: 'in', values: roles.values }]
  return { type: 'linked', from, model, to, conditions: [isTheirs, ...hasRole] }
}
