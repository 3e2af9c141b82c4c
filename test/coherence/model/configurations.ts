// How large a world is searched: in `npm test` what takes seconds, in the long form what takes minutes.

import type { Configuration } from './explore.ts'
import type { Rule } from './rules.ts'

const one = { writers: 1, readers: 1, variants: 1, lateFences: 0, restarts: false }

/** Found to have no violation, with every state visited. */
export const short: readonly Configuration[] = [
  { ...one, name: 'one writer, one reader' },
  { ...one, variants: 2, name: 'one writer, one reader of two variants' },
  { ...one, lateFences: 1, name: 'one writer, one reader, late fences' },
]

/** The same, with up to millions of states. */
export const long: readonly Configuration[] = [
  ...short,
  { ...one, writers: 2, name: 'two writers, one reader' },
  { ...one, restarts: true, name: 'one writer, one reader, restarts with old data' },
  { ...one, readers: 2, name: 'one writer, two readers' },
  { ...one, writers: 2, lateFences: 1, name: 'two writers, one reader, late fences' },
  { ...one, lateFences: 1, restarts: true, name: 'one writer, one reader, late fences, restarts with old data' },
]

/** The smallest world in which each rule is missed. */
export const worldWithout: Readonly<Record<Rule, Configuration>> = {
  wait: { ...one, name: 'no wait' },
  horizon: { ...one, name: 'no horizon' },
  mark: { ...one, name: 'no mark' },
  runId: { ...one, restarts: true, name: 'no run id' },
  leases: { ...one, name: 'leases are kept' },
  holder: { ...one, name: 'blind fill' },
  lasting: { ...one, name: 'locks are evicted' },
  enabling: { ...one, name: 'no fence while enabling' },
  order: { ...one, name: 'state before id' },
  ownVariant: { ...one, readers: 2, variants: 2, name: 'any lease' },
  everyVariant: { ...one, variants: 2, name: 'fence of one variant' },
  reply: { ...one, name: 'no look at the reply' },
}
