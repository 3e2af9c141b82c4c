// What the policies of one resource say about one caller.

import { hasScope } from '../../auth/scopes.ts'
import type { Caller } from '../../core/caller.ts'
import type { Field } from '../../model/model.ts'
import type { Condition, Verdict } from '../plan.ts'
import type { CompiledResource } from '../registry.ts'
import type { RuleName } from './compile-access.ts'
import { seal } from './seal.ts'
import type { Rule } from './rule.ts'
import { heldToTenant } from './held-policy.ts'
import { tenantVerdict } from './tenant.ts'
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

export function decide(resource: CompiledResource, who: Caller): Decision {
  const { name, access, tenant } = resource
  const { rules, fields } = access
  const inTenant = tenantVerdict(tenant, who)
  const also = (judge: () => Verdict): Verdict => (inTenant === false ? false : allOf([inTenant, heldToTenant(judge(), who, resource)]))
  const may = (rule: Rule, scope: 'read' | 'write'): Verdict => also(() => isInScope(rule, resource, scope, who) && rule.judge(who))
  const seen = once(() => also(() => seenByChanges(rules, who)))
  const after = once(() => may(rules.update, 'write'))
  return decisionOf(name, {
    list: may(rules.list, 'read'),
    get: may(rules.get, 'read'),
    seen,
    create: once(() => may(rules.create, 'write')),
    after,
    update: once(() => allOf([seen(), after()])),
    delete: once(() => allOf([seen(), may(rules.delete, 'write')])),
    unseen: deniedFields(fields, 'read', who),
    unset: deniedFields(fields, 'write', who),
  })
}

/** Code of the application in the name of nobody is held to the tenant that it acts in, and to nothing else. */
export function decideForCode({ name, tenant }: CompiledResource, who: Caller): Decision {
  const theirs = tenantVerdict(tenant, who)
  const say = (): Verdict => theirs
  const [unseen, unset] = [new Set<Field>(), new Set<Field>()]
  return decisionOf(name, { list: theirs, get: theirs, seen: say, create: say, after: say, update: say, delete: say, unseen, unset })
}

/** Writes are asked about when there is one: a function of theirs that throws is nothing to a read. */
interface Judged extends Pick<Decision, 'unseen' | 'unset'> {
  readonly list: Verdict
  readonly get: Verdict
  seen(): Verdict
  create(): Verdict
  after(): Verdict
  update(): Verdict
  delete(): Verdict
}

function decisionOf(name: string, judged: Judged): Decision {
  const { list, get, unseen, unset } = judged
  const held: string[] = []
  const sealed = { list: seal(list, name, held), get: seal(get, name, held) }
  return {
    rows: {
      list,
      get,
      get create() {
        return judged.create()
      },
      get update() {
        return judged.update()
      },
      get delete() {
        return judged.delete()
      },
    },
    get seen() {
      return judged.seen()
    },
    get after() {
      return judged.after()
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

/** What anyone may do needs no scope: the key could as well be left out. Not where it says which tenant is meant. */
function isInScope({ policy }: Rule, { name, tenant }: CompiledResource, scope: 'read' | 'write', who: Caller): boolean {
  return (policy.policy === 'anyone' && tenant === undefined) || hasScope(who, `${name}:${scope}`)
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
      return [
        'related',
        relation.relation.name,
        negated,
        inner === undefined ? null : conditionSignature(inner),
        signature(relation.throughRows),
      ]
    }
  }
}
