// What is wrong on purpose and has to be found out: recipes that everybody knows, and our own rules, each left out once. Rules of the fenced
// mode that are not here are needed in moments that a run meets once in hours; the search of the model (`model/`) finds those, too. That what
// was read is confirmed matters to answers of several statements only, not to a register: `src/cache/races.test.ts` has it.

import type { CacheFaults } from '../../src/cache/faults.ts'
import type { FencedRule } from '../../src/cache/fenced/faults.ts'
import type { FaultName } from './faults.ts'
import { rules } from './model/rules.ts'
import type { ModeName } from './modes.ts'

export interface Control {
  readonly title: string
  /** Each has to be found out. */
  readonly modes: readonly ModeName[]
  readonly fault: FaultName
  readonly slowReadMs?: number
  /** Rules that are left out, with commas in between. */
  readonly broken?: string
}

/** Who reads while somebody writes reads longer than that takes. */
const slowReadMs = 20

/** Those that are found at once, together where they can be, so that CI has the time. */
const quick: readonly Control[] = [
  { title: 'two recipes', modes: ['naive', 'joined'], fault: 'none', slowReadMs },
  {
    title: 'an entry is taken whatever version it was made for; a fence ends only some variants',
    modes: ['verified', 'fenced'],
    fault: 'none',
    broken: 'ignoreVersion,everyVariant' satisfies `${keyof CacheFaults},${FencedRule}`,
  },
]

const whole: readonly Control[] = [
  { title: 'recipe: cache-aside with DEL after the commit', modes: ['naive'], fault: 'none' },
  { title: 'recipe: singleflight that late readers join', modes: ['joined'], fault: 'none', slowReadMs },
  verified('ignoreVersion', 'an entry is taken whatever version it was made for', { fault: 'none' }),
  verified('joinAnyFill', 'a late reader joins a fill that began before it', { fault: 'none', slowReadMs }),
  verified('joinAnyQuestion', 'a late reader joins a question for the version', { fault: 'none', slowReadMs }),
  verified('ignoreSeal', 'an entry is taken without a look at its seal', { fault: 'swapped' }),
  {
    title: 'near: own writes do not end near copies',
    modes: ['near'],
    fault: 'none',
    broken: 'deafToOwnWrites' satisfies keyof CacheFaults,
  },
  fenced('mark', { fault: 'slow commits' }),
  fenced('leases', { fault: 'none', slowReadMs }),
  fenced('holder', { fault: 'none', slowReadMs }),
  fenced('lasting', { fault: 'slow commits' }),
  fenced('ownVariant', { fault: 'none', slowReadMs }),
  fenced('everyVariant', { fault: 'none' }),
]

export const controls = { quick, whole }

function verified(rule: keyof CacheFaults, title: string, facts: Pick<Control, 'fault' | 'slowReadMs'>): Control {
  return { title: `verified: ${title}`, modes: ['verified'], broken: rule, ...facts }
}

function fenced(rule: FencedRule, facts: Pick<Control, 'fault' | 'slowReadMs'>): Control {
  return { title: `fenced, without: ${rules[rule]}`, modes: ['fenced'], broken: rule, ...facts }
}
