// Which columns a SQL condition speaks of. Reads tokens, not grammar: enough to point at the right fields of a form.

const tokens = /'(?:[^']|'')*'|"((?:[^"]|"")+)"(\s*\.)?|([\p{L}_][\p{L}\p{N}_$]*)(\s*[.(])?/gu

/**
 * Names that may be columns, as PostgreSQL would fold them. Text in quotes, table names before a dot, and functions are left out.
 *
 * @example `mentionedColumns('"price" > 0 and status <> \'new\'')` has price, and, status
 */
export function mentionedColumns(expression: string): ReadonlySet<string> {
  const names = new Set<string>()
  for (const [, quoted, dot, plain, follower] of expression.matchAll(tokens)) {
    if (quoted !== undefined && dot === undefined) names.add(quoted.replaceAll('""', '"'))
    if (plain !== undefined && follower === undefined) names.add(plain.toLowerCase())
  }
  return names
}
