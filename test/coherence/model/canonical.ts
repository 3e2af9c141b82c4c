// Two states that differ only in names (of epochs, writers, readers) are one. The text that is returned is the same for both.

import { gone, type LateFence, type Reader, type Slot, type State, type Store, type Told, type Writer } from './state.ts'

export interface Canonical {
  readonly state: State
  readonly text: string
}

export function canonical(state: State): Canonical {
  const named = renameEpochs(state)
  const writerOrder = orderOf(named.writers, (writer, i) => `${writerText(writer)}${named.horizon.includes(i)}`)
  const readerOrder = orderOf(named.readers, readerText)
  const settled = renamePeople(named, placesOf(writerOrder), placesOf(readerOrder), writerOrder, readerOrder)
  return { state: settled, text: textOf(settled) }
}

/** Epochs that are still known to somebody, as 1, 2, 3 … by age; what Redis keeps of the others can never be used again. */
function renameEpochs(state: State): State {
  const known = [...knownEpochs(state)].toSorted((a, b) => a - b)
  const nameOf = new Map(known.map((epoch, i) => [epoch, i + 1]))
  const name = (epoch: number): number => nameOf.get(epoch) ?? 0
  const told = <part extends Told | undefined>(part: part): part => (part === undefined ? part : { ...part, epoch: name(part.epoch) })
  const store = ({ marks, rows }: Store): Store => ({
    marks: marks
      .filter((epoch) => nameOf.has(epoch))
      .map(name)
      .toSorted(),
    rows: rows.filter(({ epoch }) => nameOf.has(epoch)).map((row) => ({ ...row, epoch: name(row.epoch) })),
  })
  return {
    ...state,
    row: told(state.row),
    redis: store(state.redis),
    dump: state.dump === undefined ? undefined : store(state.dump),
    writers: state.writers.map((writer) => ({ ...writer, told: told(writer.told) })),
    readers: state.readers.map((reader) => ({ ...reader, permission: told(reader.permission), used: told(reader.used) })),
    late: state.late.map((fence) => ({ ...fence, epoch: name(fence.epoch) })),
  }
}

function knownEpochs(state: State): Set<number> {
  const known = new Set([state.row.epoch])
  for (const { told } of state.writers) if (told !== undefined) known.add(told.epoch)
  for (const { permission, used } of state.readers) for (const told of [permission, used]) if (told !== undefined) known.add(told.epoch)
  for (const { epoch } of state.late) known.add(epoch)
  return known
}

/** Positions in the order of their texts. */
function orderOf<item>(items: readonly item[], text: (item: item, index: number) => string): number[] {
  const texts = items.map(text)
  return items.map((_, i) => i).toSorted((a, b) => ((texts[a] ?? '') < (texts[b] ?? '') ? -1 : 1))
}

function placesOf(order: readonly number[]): number[] {
  const places: number[] = []
  order.forEach((from, to) => (places[from] = to))
  return places
}

function renamePeople(
  state: State,
  writers: readonly number[],
  readers: readonly number[],
  writerOrder: readonly number[],
  readerOrder: readonly number[],
): State {
  const writer = (token: number): number => (token === gone ? gone : (writers[token] ?? gone))
  const slot = (slot: Slot): Slot =>
    slot.holds === 'lease' && slot.holder !== gone ? { holds: 'lease', holder: readers[slot.holder] ?? gone } : slot
  const store = ({ marks, rows }: Store): Store => ({
    marks,
    rows: rows
      .map(({ epoch, locks, slots }) => ({ epoch, locks: [...new Set(locks.map(writer))].toSorted(), slots: slots.map(slot) }))
      .toSorted((a, b) => a.epoch - b.epoch),
  })
  return {
    row: state.row,
    horizon: state.horizon.map(writer).toSorted(),
    redis: store(state.redis),
    dump: state.dump === undefined ? undefined : store(state.dump),
    writers: writerOrder.map((from) => state.writers[from] as Writer),
    readers: readerOrder.map((from) => state.readers[from] as Reader),
    late: state.late
      .map((fence): LateFence => ({ epoch: fence.epoch, writer: writer(fence.writer) }))
      .toSorted((a, b) => a.epoch - b.epoch || a.writer - b.writer),
  }
}

function textOf({ row, horizon, redis, dump, writers, readers, late }: State): string {
  const people = `${writers.map(writerText).join()}|${readers.map(readerText).join()}`
  const stores = `${storeText(redis)}|${dump === undefined ? '' : storeText(dump)}`
  return `${toldText(row)}|${horizon.join()}|${people}|${stores}|${late.map(({ epoch, writer }) => `${epoch}.${writer}`).join()}`
}

function toldText(told: Told | undefined): string {
  return told === undefined ? '' : `${told.state}${told.epoch}${told.present ? '+' : '-'}`
}

function writerText({ at, told }: Writer): string {
  return `${at} ${toldText(told)}`
}

function readerText({ permission, at, used, variant, fresh }: Reader): string {
  return `${toldText(permission)} ${at} ${toldText(used)} ${variant ?? ''} ${fresh ?? ''}`
}

function storeText({ marks, rows }: Store): string {
  return `${marks.join()} ${rows.map(({ epoch, locks, slots }) => `${epoch}:${locks.join()}:${slots.map(slotText).join()}`).join(';')}`
}

function slotText(slot: Slot): string {
  return slot.holds === 'nothing' ? '' : slot.holds === 'lease' ? `l${slot.holder}` : `v${slot.fresh ? 1 : 0}`
}
