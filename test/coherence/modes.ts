// The ways in which a register is read and written. A client has one of them; the history of each is checked on its own.

import type { Random } from '../guarantees/support/random.ts'

export interface ReadForm {
  readonly name: 'record' | 'fields' | 'list' | 'include'
  /** Of how many reads in a hundred. */
  readonly share: number
  /** The keys that a request for `key` answers. */
  keys(key: number, all: readonly number[]): readonly number[]
  path(key: number): string
}

export interface Mode {
  /** Also of the table that holds its registers. */
  readonly name: string
  readonly reads: readonly ReadForm[]
  writePath(key: number): string
  /** Takes a list of records. */
  readonly bulkPath?: string
  /** A write that is made and rolled back; answers 409. */
  readonly rolledBackPath?: (key: number) => string
  /** Writes past the framework are `seen` by the next read, or `refused`: unless the cache is off, PostgreSQL raises an error. */
  readonly outside?: 'seen' | 'refused'
  /** How late a read may be; undefined: not at all. */
  readonly nearMs?: number
}

const one = (key: number): readonly number[] => [key]
const every = (_key: number, all: readonly number[]): readonly number[] => all

function resourceReads(table: string): ReadForm[] {
  return [
    { name: 'record', share: 65, keys: one, path: (key) => `/api/${table}/${key}` },
    { name: 'fields', share: 15, keys: one, path: (key) => `/api/${table}/${key}?fields=id,value` },
    { name: 'list', share: 10, keys: one, path: (key) => `/api/${table}?filter[id]=${key}` },
    { name: 'list', share: 10, keys: every, path: () => `/api/${table}` },
  ]
}

function resourceMode(name: string, outside: Mode['outside'], reads = resourceReads(name)): Mode {
  return {
    name,
    reads,
    writePath: (key) => `/api/${name}/${key}`,
    bulkPath: `/api/${name}`,
    rolledBackPath: (key) => `/rolled-back/${name}/${key}`,
    outside,
  }
}

function recipeMode(name: string): Mode {
  const path = (key: number): string => `/${name}/${key}`
  return { name, reads: [{ name: 'record', share: 100, keys: one, path }], writePath: path }
}

const included: ReadForm = { name: 'include', share: 20, keys: one, path: (key) => `/api/holders/${key}?include=register` }

export const modes = {
  /** No cache: what PostgreSQL itself promises, and the measure of the harness. */
  plain: resourceMode('plain', 'seen'),
  verified: resourceMode('verified', 'seen', [...resourceReads('verified').map(less), included]),
  fenced: resourceMode('fenced', 'refused'),
  near: { ...resourceMode('near', 'seen'), nearMs: 500 },
  /** Cache-aside with a deletion after the commit. */
  naive: recipeMode('naive'),
  /** Singleflight that late readers may join. */
  joined: recipeMode('joined'),
} satisfies Readonly<Record<string, Mode>>

export type ModeName = keyof typeof modes

function less(form: ReadForm): ReadForm {
  return { ...form, share: form.share * 0.8 }
}

export function pickRead({ reads }: Mode, random: Random): ReadForm {
  let left = random.below(100)
  const found = reads.find(({ share }) => (left -= share) < 0) ?? reads[0]
  if (found === undefined) throw new Error('The mode has no read.')
  return found
}

/** Values by key in a record, a list, or a record that includes one: `id` is followed by `value` in registers only. */
export function valuesIn(body: string): Map<number, number> {
  return new Map([...body.matchAll(/"id":(\d+),"value":(\d+)/g)].map(([, key, value]) => [Number(key), Number(value)]))
}
