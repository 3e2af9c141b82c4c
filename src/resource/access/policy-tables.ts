// The tables that the policies of reading a resource look at beside its own: what is cached of it depends on them.

import { anonymousCaller, type Caller } from '../../core/caller.ts'
import type { Model } from '../../model/model.ts'
import { verdictModels } from '../read-tables.ts'
import type { CompiledResource } from '../registry.ts'
import type { Rule } from './rule.ts'

const somebody: Caller = { ...anonymousCaller, kind: 'user', id: '1', tenant: '1' }

/** As far as it is known before anybody asks: what a `where` says may depend on who does. A read of a table that is not named here is not cached. */
export function policyTables({ access }: CompiledResource): ReadonlySet<Model> {
  return new Set([access.rules.list, access.rules.get].flatMap(ruleTables))
}

function ruleTables(rule: Rule): Model[] {
  if (rule.parts.length > 0) return rule.parts.flatMap(ruleTables)
  return [anonymousCaller, somebody].flatMap((who) => tablesFor(rule, who))
}

function tablesFor(rule: Rule, who: Caller): Model[] {
  try {
    return verdictModels(rule.judge(who))
  } catch {
    // A condition that cannot be asked about a caller who was made up: the start has said so where it is a mistake.
    return []
  }
}
