// What JavaScript code may give for a column (defaults, `$onUpdate`) as the JSON value that a caller would send.

/** @param castType  of the column: a Date means a day for `date`, a moment for all others */
export function plainValue(value: unknown, castType: string): unknown {
  if (value instanceof Date) return castType === 'date' ? value.toISOString().slice(0, 10) : value.toISOString()
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  return Array.isArray(value) ? value.map((item) => plainValue(item, castType.replace('[]', ''))) : value
}
