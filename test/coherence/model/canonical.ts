// Two states that differ only in names (of epochs, writers, readers) are one: both have the same text. What Redis keeps of an epoch
// that nobody knows any more can never be used again, so it is left out.

import type { LateFence, Reader, Slot, State, Store, Told, Writer } from './state.ts'

/** How a state's epochs, writers and readers are called in its canonical form. */
interface Names {
  readonly epochs: ReadonlyMap<number, number>
  /** Old positions in the new order; `indexOf` a token that is `gone` is `gone` again. */
  readonly writers: readonly number[]
  readonly readers: readonly number[]
}

/** A state and what tells it from all others. */
export class Canonical {
  readonly text: string
  readonly #state: State
  readonly #names: Names

  constructor(state: State) {
    const epochs = nameEpochs(state)
    const writers = inOrder(state.writers.map((writer, i) => `${writerText(writer, epochs)}${state.horizon.includes(i)}`))
    const readers = inOrder(state.readers.map((reader) => readerText(reader, epochs)))
    this.#state = state
    this.#names = { epochs, writers, readers }
    this.text = textOf(state, this.#names)
  }

  /** The state under its new names. */
  get state(): State {
    return renamed(this.#state, this.#names)
  }
}

const byNumber = (a: number, b: number): number => a - b

/** 1, 2, 3 … by age. */
function nameEpochs({ row, writers, readers, late }: State): ReadonlyMap<number, number> {
  const known = new Set([row.epoch])
  for (const { told } of writers) if (told !== undefined) known.add(told.epoch)
  for (const { permission, used } of readers) {
    if (permission !== undefined) known.add(permission.epoch)
    if (used !== undefined) known.add(used.epoch)
  }
  for (const { epoch } of late) known.add(epoch)
  return new Map([...known].toSorted(byNumber).map((epoch, i) => [epoch, i + 1]))
}

function inOrder(texts: readonly string[]): number[] {
  return texts.map((_, i) => i).toSorted((a, b) => ((texts[a] ?? '') < (texts[b] ?? '') ? -1 : 1))
}

function textOf({ row, horizon, redis, dump, writers, readers, late }: State, names: Names): string {
  const { epochs } = names
  const people = [
    ...names.writers.map((i) => writerText(writers[i], epochs)),
    ...names.readers.map((i) => readerText(readers[i], epochs)),
  ].join()
  const waited = horizon.map((i) => names.writers.indexOf(i)).toSorted(byNumber)
  const fences = late.map(({ epoch, writer }) => `${epochs.get(epoch)}.${names.writers.indexOf(writer)}`).toSorted()
  return `${toldText(row, epochs)}|${waited.join()}|${people}|${storeText(redis, names)}|${dump === undefined ? '' : storeText(dump, names)}|${fences.join()}`
}

function toldText(told: Told | undefined, epochs: Names['epochs']): string {
  return told === undefined ? '' : `${told.state}${epochs.get(told.epoch)}${told.present ? '+' : '-'}`
}

function writerText(writer: Writer | undefined, epochs: Names['epochs']): string {
  return `${writer?.at} ${toldText(writer?.told, epochs)}`
}

function readerText(reader: Reader | undefined, epochs: Names['epochs']): string {
  const { permission, at, used, variant, fresh } = reader ?? { at: '' }
  return `${toldText(permission, epochs)} ${at} ${toldText(used, epochs)} ${variant ?? ''} ${fresh ?? ''}`
}

function storeText({ marks, rows }: Store, names: Names): string {
  const known = marks.flatMap((epoch) => names.epochs.get(epoch) ?? []).toSorted(byNumber)
  const texts = rows.flatMap(({ epoch, locks, slots }) => {
    const name = names.epochs.get(epoch)
    return name === undefined ? [] : [`${name}:${lockNames(locks, names).join()}:${slots.map((slot) => slotText(slot, names)).join()}`]
  })
  return `${known.join()} ${texts.toSorted().join(';')}`
}

/** A token whose owner is gone is as good as any other such token. */
function lockNames(locks: readonly number[], names: Names): number[] {
  return [...new Set(locks.map((token) => names.writers.indexOf(token)))].toSorted(byNumber)
}

function slotText(slot: Slot, names: Names): string {
  if (slot.holds === 'nothing') return ''
  return slot.holds === 'lease' ? `l${names.readers.indexOf(slot.holder)}` : `v${slot.fresh ? 1 : 0}`
}

function renamed(state: State, names: Names): State {
  const epoch = (old: number): number => names.epochs.get(old) ?? 0
  const told = <part extends Told | undefined>(part: part): part => (part === undefined ? part : { ...part, epoch: epoch(part.epoch) })
  return {
    row: told(state.row),
    horizon: state.horizon.map((i) => names.writers.indexOf(i)),
    redis: renamedStore(state.redis, names),
    dump: state.dump === undefined ? undefined : renamedStore(state.dump, names),
    writers: inOrderOf(state.writers, names.writers).map((writer) => ({ ...writer, told: told(writer.told) })),
    readers: inOrderOf(state.readers, names.readers).map((reader) => ({
      ...reader,
      permission: told(reader.permission),
      used: told(reader.used),
    })),
    late: state.late.map((fence): LateFence => ({ epoch: epoch(fence.epoch), writer: names.writers.indexOf(fence.writer) })),
  }
}

function inOrderOf<item>(items: readonly item[], order: readonly number[]): item[] {
  return order.flatMap((i) => items[i] ?? [])
}

function renamedStore({ marks, rows }: Store, names: Names): Store {
  const slot = (old: Slot): Slot => (old.holds === 'lease' ? { holds: 'lease', holder: names.readers.indexOf(old.holder) } : old)
  return {
    marks: marks.flatMap((epoch) => names.epochs.get(epoch) ?? []),
    rows: rows.flatMap(({ epoch, locks, slots }) => {
      const name = names.epochs.get(epoch)
      return name === undefined ? [] : [{ epoch: name, locks: lockNames(locks, names), slots: slots.map(slot) }]
    }),
  }
}
