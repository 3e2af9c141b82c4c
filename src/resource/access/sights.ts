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
/** Callers remembered. Each request makes its caller anew, and deciding about one takes 50 us for each resource that is reached. */
const mostCallers = 2_000

export class Sights {
  readonly #rule: typeof decide
  readonly #isSameForAll: typeof isSameForAll
  /** A caller is plain data that is not changed, so what was decided about one is good as long as there is one like it. */
  readonly #sights = new WeakMap<Caller, Map<CompiledResource, Sight>>()
  readonly #decisions = new WeakMap<Caller, Map<CompiledResource, Decision>>()
  readonly #views = new WeakMap<CompiledResource, Lru<CompiledResource>>()
  readonly #callers = new Lru<Caller>(mostCallers)

  /** @param isSame  whether all that a resource leads to is decided alike for every caller */
  constructor(rule = decide, isSame = isSameForAll) {
    this.#rule = rule
    this.#isSameForAll = isSame
  }

  /** @param resource  as the registry has it */
  of(resource: CompiledResource, who: Caller): Sight {
    const known = this.#sights.get(who)?.get(resource)
    if (known !== undefined) return known
    const same = this.#firstLike(who)
    const sight = remembered(this.#sights, same, resource, () => this.#see(resource, same))
    if (same !== who) this.#sights.set(who, this.#sights.get(same) ?? new Map<CompiledResource, Sight>())
    return sight
  }

  /** The same plain data, as it came first. */
  #firstLike(who: Caller): Caller {
    if (this.#sights.has(who)) return who
    const name = JSON.stringify(who)
    const first = this.#callers.get(name)
    if (first !== undefined) return first
    this.#callers.set(name, who)
    return who
  }

  #see(resource: CompiledResource, who: Caller): Sight {
    const decision = this.#decide(resource, who)
    if (this.#isSameForAll(resource)) return { who, resource, held: nothingHeld, decision }
    const reached = [...reachable(resource)]
    const decisions = reached.map((one) => this.#decide(one, who))
    const held = new Map(reached.map((one, i) => [one.name, decisions[i]?.held ?? []]))
    return { who, resource: this.#view(resource, JSON.stringify(decisions.map(({ shape }) => shape)), who), held, decision }
  }

  #decide(resource: CompiledResource, who: Caller): Decision {
    return remembered(this.#decisions, who, resource, () => this.#rule(resource, who))
  }

  #view(resource: CompiledResource, shape: string, who: Caller): CompiledResource {
    const views = this.#views.get(resource) ?? new Lru<CompiledResource>(mostViews)
    this.#views.set(resource, views)
    const view = views.get(shape) ?? viewOf(resource, (one) => this.#decide(one, who))
    views.set(shape, view)
    return view
  }
}

function remembered<value>(
  values: WeakMap<Caller, Map<CompiledResource, value>>,
  who: Caller,
  resource: CompiledResource,
  make: () => value,
): value {
  const own = values.get(who) ?? new Map<CompiledResource, value>()
  values.set(who, own)
  const known = own.get(resource)
  if (known !== undefined) return known
  const made = make()
  own.set(resource, made)
  return made
}
