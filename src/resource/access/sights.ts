// What each caller sees of each resource. Callers for whom the policies decide alike share one view, and with it plans and statements.

import type { Caller } from '../../core/caller.ts'
import { Lru } from '../../support/lru.ts'
import { reachable } from '../reachable.ts'
import type { CompiledResource } from '../registry.ts'
import { type Held, nothingHeld } from '../sql-builder.ts'
import { type Decision, decide } from './decide.ts'
import { isSameForAll } from './same-for-all.ts'
import { viewOf } from './view.ts'

/** A resource as one caller sees it. */
export interface Sight {
  readonly who: Caller
  /** For plans. */
  readonly resource: CompiledResource
  /** For the statements of those plans. */
  readonly held: Held
  readonly decision: Decision
}

/** Views remembered per resource. Their number is that of the ways in which policies decide, which roles multiply. */
const mostViews = 100
/** Callers remembered: some 35 KiB each with nine resources. Deciding about one again takes 50 us for each resource that is reached. */
const mostCallers = 2_000

/**
 * What is known of all callers that are alike. Whoever keeps such a caller, as a process does with those of its sessions, keeps no more than
 * this: it is emptied when it is forgotten.
 */
class Known {
  /** The first of them. A caller is plain data that is not changed, so what was decided about one is good for every other. */
  readonly who: Caller
  readonly sights = new Map<CompiledResource, Sight>()
  readonly decisions = new Map<CompiledResource, Decision>()
  isForgotten = false

  constructor(who: Caller) {
    this.who = who
  }

  forget(): void {
    this.isForgotten = true
    this.sights.clear()
    this.decisions.clear()
  }
}

export class Sights {
  readonly #rule: typeof decide
  readonly #isSameForAll: typeof isSameForAll
  /** A short cut: who asks again as the same object is found without a look at what he is. */
  readonly #known = new WeakMap<Caller, Known>()
  readonly #callers = new Lru<Known>(mostCallers, (known) => known.forget())
  readonly #views = new WeakMap<CompiledResource, Lru<CompiledResource>>()

  /** @param isSame  whether all that a resource leads to is decided alike for every caller */
  constructor(rule = decide, isSame = isSameForAll) {
    this.#rule = rule
    this.#isSameForAll = isSame
  }

  /** @param resource  as the registry has it */
  of(resource: CompiledResource, who: Caller): Sight {
    const seen = this.#known.get(who)?.sights.get(resource)
    if (seen !== undefined) return seen
    const known = this.#of(who)
    return remembered(known.sights, resource, () => this.#see(resource, known))
  }

  #of(who: Caller): Known {
    const own = this.#known.get(who)
    if (own?.isForgotten === false) return own
    const known = this.#named(JSON.stringify(who), who)
    this.#known.set(who, known)
    return known
  }

  /** The same plain data, as it came first. */
  #named(name: string, who: Caller): Known {
    const known = this.#callers.get(name)
    if (known !== undefined) return known
    const made = new Known(who)
    this.#callers.set(name, made)
    return made
  }

  #see(resource: CompiledResource, known: Known): Sight {
    const { who } = known
    const decision = this.#decide(resource, known)
    if (this.#isSameForAll(resource)) return { who, resource, held: nothingHeld, decision }
    const reached = [...reachable(resource)]
    const decisions = reached.map((one) => this.#decide(one, known))
    const held = new Map(reached.map((one, i) => [one.name, decisions[i]?.held ?? []]))
    return { who, resource: this.#view(resource, JSON.stringify(decisions.map(({ shape }) => shape)), known), held, decision }
  }

  #decide(resource: CompiledResource, { who, decisions }: Known): Decision {
    return remembered(decisions, resource, () => this.#rule(resource, who))
  }

  #view(resource: CompiledResource, shape: string, known: Known): CompiledResource {
    const views = this.#views.get(resource) ?? new Lru<CompiledResource>(mostViews)
    this.#views.set(resource, views)
    const view = views.get(shape) ?? viewOf(resource, (one) => this.#decide(one, known))
    views.set(shape, view)
    return view
  }
}

function remembered<value>(values: Map<CompiledResource, value>, resource: CompiledResource, make: () => value): value {
  const known = values.get(resource)
  if (known !== undefined) return known
  const made = make()
  values.set(resource, made)
  return made
}
