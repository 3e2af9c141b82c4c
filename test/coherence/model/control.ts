// The switch of the cache: DISABLE at any time by anybody, ENABLE when it is off.

import { inProgress, type State } from './state.ts'
import type { Step, World } from './step.ts'

export function* controlSteps(world: World, state: State): Generator<Step> {
  const { row } = state
  if (row.state === 'enabled' || row.state === 'enabling')
    yield { name: 'the cache is disabling', state: { ...state, row: { ...row, state: 'disabling' }, horizon: [] } }
  if (row.state === 'disabling' && hasWaited(world, state))
    yield { name: 'the cache is disabled', state: { ...state, row: { ...row, state: 'disabled' } } }
  if (row.state === 'disabled') yield enable(state)
  if (row.state === 'enabling' && (state.horizon.length === 0 || world.without === 'horizon'))
    yield { name: 'the cache is enabled', state: { ...state, row: { ...row, state: 'enabled' }, horizon: [] } }
}

/** After L nobody has a permission that was given before. */
function hasWaited({ without }: World, { readers }: State): boolean {
  return without === 'wait' || readers.every(({ permission }) => permission === undefined)
}

/** A new epoch, marked in the Redis of this moment. */
function enable(state: State): Step {
  const epoch = newestEpoch(state) + 1
  const redis = { ...state.redis, marks: [...state.redis.marks, epoch] }
  const horizon = state.writers.flatMap((_, i) => (inProgress(state, i) ? [i] : []))
  return {
    name: `the cache is enabling epoch ${epoch}`,
    state: { ...state, redis, horizon, row: { state: 'enabling', epoch, present: true } },
  }
}

/** States are canonical: every epoch that somebody knows has a smaller number than the one the row would get next. */
function newestEpoch({ row, writers, readers, late }: State): number {
  const known = [...writers.map(({ told }) => told), ...readers.flatMap(({ permission, used }) => [permission, used]), ...late]
  return Math.max(row.epoch, ...known.map((told) => told?.epoch ?? 0))
}
