// Freezing all the way down: a model is shared by every request, so nothing may change it.

/** Freezes `value` and every plain object and list inside. Functions and kinds' own state are left alone. */
export function deepFreeze<value>(value: value): value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const child of Object.values(value)) deepFreeze(child)
  return value
}

/** A map that refuses to change: `Object.freeze` does not reach a Map's entries. */
export function frozenMap<key, value>(entries: Iterable<readonly [key, value]>): ReadonlyMap<key, value> {
  const map = new Map(entries)
  const refuse = (): never => {
    throw new TypeError('This map is part of a model and cannot be changed.')
  }
  return Object.freeze(Object.assign(map, { set: refuse, delete: refuse, clear: refuse }))
}
