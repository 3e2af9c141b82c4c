// What a process does that reads the row in one of its variants.

import { withoutOwner } from './scripts.ts'
import { type Reader, replaceAt, type Slot, type State, type Told } from './state.ts'
import type { Step, World } from './step.ts'

export function* readerSteps(world: World, state: State): Generator<Step> {
  for (const [i, reader] of state.readers.entries()) {
    yield* permission(state, i, reader)
    if (reader.at === 'idle') yield* send(world, state, i, reader)
    if (reader.at === 'sent') yield* arrive(world, state, i, reader)
    if (reader.at === 'found') yield* answer(world, state, i, reader)
    if (reader.at === 'leased') yield load(state, i, reader)
    if (reader.at === 'loaded') yield* fill(world, state, i, reader)
  }
}

/** A poll, and its end: at any time, but always within L. */
function* permission(state: State, i: number, reader: Reader): Generator<Step> {
  const { row } = state
  if (row.state === 'enabled' && reader.permission?.epoch !== row.epoch)
    yield { name: `reader ${i} is permitted to use epoch ${row.epoch}`, state: withReader(state, i, { ...reader, permission: row }) }
  if (reader.permission !== undefined)
    yield {
      name: `reader ${i} may not use epoch ${reader.permission.epoch} any more`,
      state: withReader(state, i, { ...reader, permission: undefined }),
    }
}

function* send(world: World, state: State, i: number, reader: Reader): Generator<Step> {
  const used = reader.permission
  if (used !== undefined && reaches(world, used))
    yield { name: `reader ${i} asks Redis`, state: withReader(state, i, { ...reader, at: 'sent', used }) }
}

/** The script runs, however late; or its connection is lost, or the mark is, or the row is locked. */
function* arrive(world: World, state: State, i: number, reader: Reader): Generator<Step> {
  yield { name: `reader ${i} finds nothing that it may use`, state: idle(state, i, reader) }
  const { used } = reader
  if (used === undefined || !reaches(world, used) || !world.scripts.isMarked(state.redis, used.epoch)) return
  const row = world.scripts.rowOf(state.redis, used.epoch)
  if (row.locks.length > 0) return
  for (const [variant, slot] of row.slots.entries()) yield* get(world, state, i, { ...reader, variant }, slot)
}

/** Whether what is sent now arrives at the process of the epoch. */
function reaches(world: World, { present }: Told): boolean {
  return present || world.without === 'runId'
}

function* get(world: World, state: State, i: number, reader: Reader, slot: Slot): Generator<Step> {
  const { used, variant = 0 } = reader
  if (slot.holds === 'value') {
    const value = slot.fresh ? 'the latest value' : 'an old value'
    yield { name: `reader ${i} finds ${value}`, state: withReader(state, i, { ...reader, at: 'found', fresh: slot.fresh }) }
  } else if (slot.holds === 'nothing' && used !== undefined) {
    const redis = world.scripts.lease(state.redis, used.epoch, variant, i)
    yield {
      name: `reader ${i} misses and gets the lease of variant ${variant}`,
      state: withReader({ ...state, redis }, i, { ...reader, at: 'leased' }),
    }
  }
}

/** The reply is there. Without a permission that still holds it is thrown away. */
function* answer(world: World, state: State, i: number, reader: Reader): Generator<Step> {
  const holds = world.without === 'reply' || (reader.permission !== undefined && reader.permission.epoch === reader.used?.epoch)
  const violation = holds && reader.fresh === false ? `reader ${i} answers with a value that was old when it asked` : undefined
  yield { name: `reader ${i} ${holds ? 'answers' : 'throws the reply away'}`, state: idle(state, i, reader), violation }
}

function load(state: State, i: number, reader: Reader): Step {
  return { name: `reader ${i} reads the database`, state: withReader(state, i, { ...reader, at: 'loaded', fresh: true }) }
}

/** The fill may be lost, and it may take as long as it likes. */
function* fill(world: World, state: State, i: number, reader: Reader): Generator<Step> {
  yield { name: `reader ${i} does not fill`, state: idle(state, i, reader) }
  const { used, variant = 0, fresh = false } = reader
  if (used === undefined || !reaches(world, used)) return
  const redis = world.scripts.fill(state.redis, used.epoch, variant, i, fresh)
  yield { name: `reader ${i} fills in ${fresh ? 'the latest value' : 'an old value'}`, state: idle({ ...state, redis }, i, reader) }
}

/** What still bears the reader's token belongs to nobody. */
function idle(state: State, i: number, { permission }: Reader): State {
  const owner = { reader: i }
  const dump = state.dump === undefined ? undefined : withoutOwner(state.dump, owner)
  return withReader({ ...state, redis: withoutOwner(state.redis, owner), dump }, i, { permission, at: 'idle' })
}

function withReader(state: State, i: number, reader: Reader): State {
  return { ...state, readers: replaceAt(state.readers, i, reader) }
}
