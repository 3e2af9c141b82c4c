// Whether a function looks at the time. One that is asked once and believed for long must not: what it says would stand still.

/** @param work  without waiting for anything */
export function looksAtTime(work: () => void): boolean {
  const { Date: real } = globalThis
  let looked = false
  const look = (): void => void (looked = true)
  globalThis.Date = new Proxy(real, {
    construct(target, given, newTarget) {
      if (given.length === 0) look()
      return Reflect.construct(target, given, newTarget) as object
    },
    apply(target, self, given) {
      look()
      return Reflect.apply(target, self, given) as unknown
    },
    get(target, name, self) {
      if (name === 'now') look()
      return Reflect.get(target, name, self) as unknown
    },
  })
  try {
    work()
  } finally {
    globalThis.Date = real
  }
  return looked
}
