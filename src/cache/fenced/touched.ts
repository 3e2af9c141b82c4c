// What the triggers of fenced tables have noted: a line of JSON for each row, see `db/system/fence-rows-step.ts`.

export interface Touched {
  /** Of the table. */
  readonly oid: string
  /** Values of the key in the order of the columns' names; undefined: the whole table. */
  readonly key: readonly string[] | undefined
}

/** The rows, each once. */
export function readTouched(notes: string): Touched[] {
  if (notes === '') return []
  return [...new Set(notes.split('\n'))].map((note) => {
    const [oid, ...key] = JSON.parse(note) as [number, ...string[]]
    return { oid: String(oid), key: key.length === 0 ? undefined : key }
  })
}
