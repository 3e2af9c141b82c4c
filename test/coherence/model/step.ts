// A step of the protocol, or something that the world does: its name for the trace, and the state after it.

import type { Rule } from './rules.ts'
import type { Scripts } from './scripts.ts'
import type { State } from './state.ts'

export interface Step {
  readonly name: string
  readonly state: State
  /** What a caller was told that it must never be told. */
  readonly violation?: string
}

/** What may happen, for one configuration. */
export interface World {
  readonly variants: number
  readonly scripts: Scripts
  /** The rule that is left out. */
  readonly without: Rule | undefined
  /** Fences that may be on their way to a frozen Redis at the same time; 0: none is ever late. */
  readonly lateFences: number
  /** Whether Redis may restart, empty or with what it had when it last wrote a dump. */
  readonly restarts: boolean
}

export type Steps = (world: World, state: State) => Generator<Step>
