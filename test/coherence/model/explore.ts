// Visits every state that can be reached, nearest first, so that a way to a violation is a shortest one.

import { Canonical } from './canonical.ts'
import { controlSteps } from './control.ts'
import { disasterSteps } from './disasters.ts'
import { readerSteps } from './reader.ts'
import type { Rule } from './rules.ts'
import { Scripts } from './scripts.ts'
import { initialState, type Size, type State } from './state.ts'
import type { Steps, World } from './step.ts'
import { writerSteps } from './writer.ts'

export interface Configuration extends Size, Pick<World, 'lateFences' | 'restarts'> {
  readonly name: string
}

export interface Verdict {
  readonly states: number
  /** Steps from the first state to the farthest that was visited. */
  readonly depth: number
  /** True when every state was visited. */
  readonly exhausted: boolean
  /** The steps to a violation and what it is; undefined when there is none. */
  readonly counterexample: readonly string[] | undefined
}

const parts: readonly Steps[] = [writerSteps, readerSteps, controlSteps, disasterSteps]

/** How a state was reached first. */
interface Visit {
  readonly from: Visit | undefined
  readonly name: string
}

/**
 * @param without     the rule to leave out
 * @param mostStates  where to give up
 */
export function explore(configuration: Configuration, without?: Rule, mostStates = Infinity): Verdict {
  const world: World = { ...configuration, without, scripts: new Scripts(configuration.variants, without) }
  const first = new Canonical(initialState(configuration))
  const seen = new Set([first.text])
  let frontier: { readonly state: State; readonly visit: Visit | undefined }[] = [{ state: first.state, visit: undefined }]
  let depth = 0
  for (; frontier.length > 0; depth++) {
    const next: typeof frontier = []
    for (const { state, visit } of frontier) {
      for (const step of parts.flatMap((steps) => [...steps(world, state)])) {
        const reached = { from: visit, name: step.name }
        if (step.violation !== undefined)
          return { states: seen.size, depth, exhausted: false, counterexample: [...traceOf(reached), step.violation] }
        const settled = new Canonical(step.state)
        if (seen.has(settled.text)) continue
        seen.add(settled.text)
        next.push({ state: settled.state, visit: reached })
      }
      if (seen.size > mostStates) return { states: seen.size, depth, exhausted: false, counterexample: undefined }
    }
    frontier = next
  }
  return { states: seen.size, depth, exhausted: true, counterexample: undefined }
}

function traceOf(visit: Visit): string[] {
  const names: string[] = []
  for (let at: Visit | undefined = visit; at !== undefined; at = at.from) names.unshift(at.name)
  return names
}
