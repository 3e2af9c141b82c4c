// What a writing transaction does. Only one of them has the lock on the row at a time.

import { withoutOwner, withStaleValues } from './scripts.ts'
import { gone, inProgress, replaceAt, type State, type StateRow, type Store, type Writer } from './state.ts'
import type { Step, World } from './step.ts'

export function* writerSteps(world: World, state: State): Generator<Step> {
  for (const [i, writer] of state.writers.entries()) yield* stepsOf(world, state, i, writer)
}

function stepsOf(world: World, state: State, i: number, writer: Writer): Iterable<Step> {
  switch (writer.at) {
    case 'idle':
      return world.without === 'order' ? [look(state, i)] : begin(state, i, { at: 'began' })
    case 'looked':
      return begin(state, i, { ...writer, at: 'told' })
    case 'began':
      return [look(state, i)]
    case 'told':
      return decide(world, state, i, writer.told ?? state.row)
    case 'fenced':
      return [commit(state, i, writer), abort(state, i)]
    case 'committed':
      return finish(state, i, writer)
  }
}

/** Gets the lock on the row and a transaction id. */
function* begin(state: State, i: number, next: Writer): Generator<Step> {
  const locked = state.writers.some((_, other) => inProgress(state, other))
  if (!locked) yield { name: `writer ${i} begins`, state: withWriter(state, i, next) }
}

function look(state: State, i: number): Step {
  const at = state.writers[i]?.at === 'idle' ? 'looked' : 'told'
  return { name: `writer ${i} reads that the cache is ${state.row.state}`, state: withWriter(state, i, { at, told: state.row }) }
}

function* decide(world: World, state: State, i: number, told: StateRow): Generator<Step> {
  yield abort(state, i)
  if (skipsFence(world, told)) return yield commitUnfenced(state, i)
  if (told.state !== 'disabling') yield* fence(world, state, i, told)
  // It keeps its transaction, turns the cache off or waits for who does, and looks again.
  if (world.without !== 'order') yield { name: `writer ${i} waits`, state: withWriter(state, i, { at: 'began' }) }
}

function skipsFence(world: World, told: StateRow): boolean {
  return told.state === 'disabled' || (told.state === 'enabling' && world.without === 'enabling')
}

function* fence(world: World, state: State, i: number, told: StateRow): Generator<Step> {
  if (told.present || world.without === 'runId') {
    const redis = world.scripts.fence(state.redis, told.epoch, i)
    if (redis !== undefined) yield { name: `writer ${i} fences the row`, state: withWriter({ ...state, redis }, i, { at: 'fenced', told }) }
  }
  if (state.late.length < world.lateFences) {
    const late = [...state.late, { epoch: told.epoch, writer: i }]
    yield { name: `writer ${i} gets no answer to its fence`, state: withWriter({ ...state, late }, i, { at: 'began' }) }
  }
}

function commit(state: State, i: number, { told }: Writer): Step {
  return { name: `writer ${i} commits`, state: withWriter(committed(state), i, { at: 'committed', told }) }
}

function commitUnfenced(state: State, i: number): Step {
  return { name: `writer ${i} commits without a fence`, state: idle(committed(state), i) }
}

function abort(state: State, i: number): Step {
  return { name: `writer ${i} is rolled back`, state: idle(state, i) }
}

function* finish(state: State, i: number, { told }: Writer): Generator<Step> {
  yield { name: `writer ${i} dies before it has taken its lock away`, state: idle(state, i) }
  if (told?.present !== true) return
  const redis = unfenced(state.redis, told.epoch, i)
  yield { name: `writer ${i} takes its lock away`, state: idle({ ...state, redis }, i) }
}

function unfenced(store: Store, epoch: number, writer: number): Store {
  const rows = store.rows.map((row) => (row.epoch === epoch ? { ...row, locks: row.locks.filter((token) => token !== writer) } : row))
  return { ...store, rows: rows.filter(({ locks, slots }) => locks.length > 0 || slots.some(({ holds }) => holds !== 'nothing')) }
}

/** No value that anybody has is the latest any more. */
function committed(state: State): State {
  return {
    ...state,
    redis: withStaleValues(state.redis),
    dump: state.dump === undefined ? undefined : withStaleValues(state.dump),
    readers: state.readers.map((reader) => (reader.at === 'loaded' ? { ...reader, fresh: false } : reader)),
  }
}

/** The writer's next transaction has another token; what bears this one belongs to nobody. */
function idle(state: State, i: number): State {
  const owner = { writer: i }
  return withWriter(
    {
      ...state,
      redis: withoutOwner(state.redis, owner),
      dump: state.dump === undefined ? undefined : withoutOwner(state.dump, owner),
      late: state.late.map((fence) => (fence.writer === i ? { ...fence, writer: gone } : fence)),
    },
    i,
    { at: 'idle' },
  )
}

function withWriter(state: State, i: number, writer: Writer): State {
  const ended = inProgress(state, i) && !['began', 'told', 'fenced'].includes(writer.at)
  const horizon = ended ? state.horizon.filter((waited) => waited !== i) : state.horizon
  return { ...state, horizon, writers: replaceAt(state.writers, i, writer) }
}
