// The names that constraints without a name get. Drizzle's own `getName()` still has the names of its older versions;
// the migrations are written with these (drizzle-kit 1.0.0-rc.5, `dialects/postgres/grammar.ts`).

/** PostgreSQL cuts longer names (NAMEDATALEN - 1 bytes). */
const longestName = 63

export function primaryKeyName(table: string): string {
  return cut(`${table}_pkey`)
}

export function uniqueColumnName(table: string, column: string): string {
  return cut(`${table}_${column}_key`)
}

export function foreignKeyName(table: string, columns: readonly string[], foreignTable: string, foreignColumns: readonly string[]): string {
  const name = `${table}_${columns.join('_')}_${foreignTable}_${foreignColumns.join('_')}_fkey`
  if (name.length <= longestName) return cut(name)
  return cut(table.length < 45 ? `${table}_${hash(name)}_fkey` : `${hash(name)}_fkey`)
}

export function indexName(table: string, columns: readonly string[]): string {
  return cut(`${table}_${columns.join('_')}_index`)
}

/** As PostgreSQL stores a name: at most 63 bytes, never half a character. */
export function cut(name: string): string {
  const bytes = Buffer.from(name)
  if (bytes.length <= longestName) return name
  let end = longestName
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return bytes.toString('utf8', 0, end)
}

const digits = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

/** drizzle-kit's hash of a name: a polynomial in 53 modulo 62^12, in base 62. */
function hash(text: string): string {
  const size = 62n ** 12n
  let power = 1n
  let sum = 0n
  for (const character of text) {
    sum = (sum + BigInt(character.codePointAt(0) ?? 0) * power) % size
    power = (power * 53n) % size
  }
  const places = Array.from({ length: 12 }, (_, place) => digits[Number((sum / 62n ** BigInt(place)) % 62n)])
  return places.toReversed().join('')
}
