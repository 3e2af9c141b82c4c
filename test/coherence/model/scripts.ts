// What the Lua scripts do to the row of one epoch, as pure functions on the store. Undefined: the mark is missing, nothing was done.

import type { Rule } from './rules.ts'
import { gone, replaceAt, type Row, type Slot, type Store } from './state.ts'

export class Scripts {
  readonly #without: Rule | undefined
  readonly #variants: number

  constructor(variants: number, without?: Rule) {
    this.#variants = variants
    this.#without = without
  }

  isMarked(store: Store, epoch: number): boolean {
    return this.#without === 'mark' || store.marks.includes(epoch)
  }

  rowOf(store: Store, epoch: number): Row {
    const nothing: Slot = { holds: 'nothing' }
    return (
      store.rows.find((row) => row.epoch === epoch) ?? { epoch, locks: [], slots: Array.from({ length: this.#variants }, () => nothing) }
    )
  }

  lease(store: Store, epoch: number, variant: number, reader: number): Store {
    const row = this.rowOf(store, epoch)
    return put(store, { ...row, slots: replaceAt(row.slots, variant, { holds: 'lease', holder: reader }) })
  }

  fill(store: Store, epoch: number, variant: number, reader: number, fresh: boolean): Store {
    const row = this.rowOf(store, epoch)
    if (!this.#mayFill(row, variant, reader)) return store
    return put(store, { ...row, slots: replaceAt(row.slots, variant, { holds: 'value', fresh }) })
  }

  #mayFill({ locks, slots }: Row, variant: number, reader: number): boolean {
    if (this.#without === 'holder') return locks.length === 0
    if (this.#without === 'ownVariant') return slots.some(({ holds }) => holds === 'lease')
    const slot = slots[variant]
    return slot?.holds === 'lease' && slot.holder === reader
  }

  fence(store: Store, epoch: number, writer: number): Store | undefined {
    if (!this.isMarked(store, epoch)) return undefined
    const row = this.rowOf(store, epoch)
    return put(store, {
      ...row,
      locks: [...new Set([...row.locks, writer])],
      slots: row.slots.map((slot, variant) => this.#fenced(slot, variant)),
    })
  }

  #fenced(slot: Slot, variant: number): Slot {
    if (this.#without === 'leases' && slot.holds === 'lease') return slot
    if (this.#without === 'everyVariant' && variant > 0) return slot
    return { holds: 'nothing' }
  }

  unfence(store: Store, epoch: number, writer: number): Store {
    const row = this.rowOf(store, epoch)
    return put(store, { ...row, locks: row.locks.filter((token) => token !== writer) })
  }
}

function put(store: Store, row: Row): Store {
  const others = store.rows.filter(({ epoch }) => epoch !== row.epoch)
  const empty = row.locks.length === 0 && row.slots.every(({ holds }) => holds === 'nothing')
  return { ...store, rows: empty ? others : [...others, row] }
}

/** The store as it is named when a writer or reader ends what its token stood for. */
export function withoutOwner(store: Store, owner: { readonly writer?: number; readonly reader?: number }): Store {
  const slot = (slot: Slot): Slot => (slot.holds === 'lease' && slot.holder === owner.reader ? { holds: 'lease', holder: gone } : slot)
  const rows = store.rows.map((row) => ({
    ...row,
    locks: row.locks.map((token) => (token === owner.writer ? gone : token)),
    slots: row.slots.map(slot),
  }))
  return { ...store, rows }
}

/** After a commit no value that exists anywhere is the latest. */
export function withStaleValues(store: Store): Store {
  const slot = (slot: Slot): Slot => (slot.holds === 'value' ? { holds: 'value', fresh: false } : slot)
  return { ...store, rows: store.rows.map((row) => ({ ...row, slots: row.slots.map(slot) })) }
}
