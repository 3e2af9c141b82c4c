// What the policies of one resource say about one caller.

import type { Caller } from '../../core/caller.ts'
import type { Field } from '../../model/model.ts'
import type { Condition, Verdict } from '../plan.ts'
import type { CompiledResource } from '../registry.ts'
import type { RuleName } from './compile-access.ts'
import { seal } from './seal.ts'
import type { Rule } from './rule.ts'
import { allOf } from './verdicts.ts'

export interface Decision {
  /** Which rows, for each operation. Whoever changes a record has to be able to see it. */
  readonly rows: Readonly<Record<RuleName, Verdict>>
  /** Which rows they may see when they change them: a key that only writes may look at what it writes. */
  readonly seen: Verdict
  /** What a record has to be after a change. */
  readonly after: Verdict
  /** Fields that the caller may not see, and those that they may not set. */
  readonly unseen: ReadonlySet<Field>
  readonly unset: ReadonlySet<Field>
  /** What can be read: the same text for callers who differ in nothing but the texts that they are compared with. */
  readonly shape: string
  /** Those texts. */
  readonly held: readonly string[]
  /** The rows that can be read, with places for the texts. */
  readonly sealed: { readonly list: Verdict; readonly get: Verdict }
}

export function decide({ name, access }: CompiledResource, who: Caller): Decision {
  const { rules, fields } = access
  const may = (rule: Rule, scope: 'read' | 'write'): Verdict => (isInScope(rule, name, scope, who) ? rule.judge(who) : false)
  const [list, get] = [may(rules.list, 'read'), may(rules.get, 'read')]
  // Writes are asked about when there is one: a function of theirs that throws is nothing to a read.
  const seen = once(() => seenByChanges(rules, who))
  const create = once(() => may(rules.create, 'write'))
  const after = once(() => may(rules.update, 'write'))
  const update = once(() => allOf([seen(), after()]))
  const remove = once(() => allOf([seen(), may(rules.delete, 'write')]))
  const [unseen, unset] = [deniedFields(fields, 'read', who), deniedFields(fields, 'write', who)]
  const held: string[] = []
  const sealed = { list: seal(list, name, held), get: seal(get, name, held) }
  return {
    rows: {
      list,
      get,
      get create() {
        return create()
      },
      get update() {
        return update()
      },
      get delete() {
        return remove()
      },
    },
    get seen() {
      return seen()
    },
    get after() {
      return after()
    },
    unseen,
    unset,
    shape: JSON.stringify([signature(sealed.list), signature(sealed.get), namesOf(unseen), namesOf(unset)]),
    held,
    sealed,
  }
}

function once(make: () => Verdict): () => Verdict {
  let made: Verdict | undefined
  return () => (made ??= make())
}

/** What anyone may do needs no scope: the key could as well be left out. */
function isInScope({ policy }: Rule, resource: string, scope: 'read' | 'write', { scopes }: Caller): boolean {
  if (scopes === undefined || policy.policy === 'anyone') return true
  return scopes.includes('*') || scopes.includes(`${resource}:${scope}`)
}

/** Where nobody reads at all, changes are for whoever may change. */
function seenByChanges({ get, list }: CompiledResource['access']['rules'], who: Caller): Verdict {
  if (get.policy.policy !== 'nobody') return get.judge(who)
  return list.policy.policy === 'nobody' ? true : list.judge(who)
}

function deniedFields(fields: CompiledResource['access']['fields'], way: 'read' | 'write', who: Caller): ReadonlySet<Field> {
  return new Set([...fields].filter(([, rules]) => rules[way].judge(who) !== true).map(([field]) => field))
}

function namesOf(fields: ReadonlySet<Field>): string[] {
  return [...fields].map(({ name }) => name)
}

/** Everything about a sealed verdict but the texts that its places are filled with. */
function signature(verdict: Verdict): unknown {
  return typeof verdict === 'boolean' ? verdict : conditionSignature(verdict)
}

function conditionSignature(condition: Condition): unknown {
  switch (condition.type) {
    case 'all':
    case 'any':
      return [condition.type, ...condition.conditions.map(conditionSignature)]
    case 'compare':
      return [condition.field.name, condition.operator, condition.values]
    case 'held':
      return [condition.field.name, condition.operator, condition.slots.length]
    case 'not':
      return ['not', conditionSignature(condition.condition)]
    case 'linked':
      return ['linked', condition.from.name, condition.model.name, condition.to.name, ...condition.conditions.map(conditionSignature)]
    case 'related': {
      const { relation, negated, condition: inner } = condition
      return ['related', relation.relation.name, negated, inner === undefined ? null : conditionSignature(inner)]
    }
  }
}
