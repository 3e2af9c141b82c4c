// What happens to Redis, at any moment: it forgets, it restarts with old data, it delivers late, it evicts.

import { inProgress, type Row, type State, type Store, type Told } from './state.ts'
import type { Step, World } from './step.ts'

export function* disasterSteps(world: World, state: State): Generator<Step> {
  yield { name: 'Redis is flushed', state: { ...state, redis: { marks: [], rows: [] } } }
  if (world.restarts) {
    yield { name: 'Redis writes a dump', state: { ...state, dump: state.redis } }
    yield { name: 'Redis restarts with its last dump', state: restarted(state) }
  }
  yield* lateFences(world, state)
  for (const row of state.redis.rows) yield* losses(world, state, row)
}

/** Another process: whoever remembers one remembers a former one, and what was on its way is lost. */
function restarted(state: State): State {
  const former = <told extends Told | undefined>(told: told): told => (told === undefined ? told : { ...told, present: false })
  return {
    ...state,
    row: former(state.row),
    redis: state.dump ?? { marks: [], rows: [] },
    writers: state.writers.map((writer) => ({ ...writer, told: former(writer.told) })),
    readers: state.readers.map((reader) => ({ ...reader, permission: former(reader.permission), used: former(reader.used) })),
    late: [],
  }
}

function* lateFences({ scripts }: World, state: State): Generator<Step> {
  for (const [i, { epoch, writer }] of state.late.entries()) {
    const redis = scripts.fence(state.redis, epoch, writer) ?? state.redis
    yield { name: 'a late fence arrives', state: { ...state, redis, late: state.late.toSpliced(i, 1) } }
  }
}

/** Values and leases may be evicted or end; locks may be taken away when PostgreSQL says that the transaction has ended. */
function* losses({ without }: World, state: State, row: Row): Generator<Step> {
  for (const [variant, { holds }] of row.slots.entries()) {
    if (holds !== 'nothing')
      yield { name: `a ${holds} is evicted`, state: withRow(state, { ...row, slots: row.slots.with(variant, { holds: 'nothing' }) }) }
  }
  for (const token of row.locks) {
    const locks = row.locks.filter((other) => other !== token)
    if (!inProgress(state, token))
      yield { name: 'a lock is taken away, because its transaction has ended', state: withRow(state, { ...row, locks }) }
    else if (without === 'lasting') yield { name: 'a lock is evicted', state: withRow(state, { ...row, locks }) }
  }
}

function withRow(state: State, row: Row): State {
  const rows = state.redis.rows.map((other) => (other.epoch === row.epoch ? row : other))
  const redis: Store = {
    ...state.redis,
    rows: rows.filter(({ locks, slots }) => locks.length > 0 || slots.some(({ holds }) => holds !== 'nothing')),
  }
  return { ...state, redis }
}
