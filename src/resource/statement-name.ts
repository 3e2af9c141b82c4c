// Names for prepared statements: the same text always has the same name, and the number of remembered texts is bounded.

import { hash } from 'node:crypto'

const names = new Map<string, string>()
/** Callers choose filters and sorts, so the number of texts is theirs to choose; what they can make us remember is not. */
const mostNames = 2000

export function nameStatement(text: string): string {
  const known = names.get(text)
  if (known !== undefined) return known
  if (names.size >= mostNames) names.delete(names.keys().next().value as string)
  const name = `p_${hash('sha256', text, 'hex').slice(0, 24)}`
  names.set(text, name)
  return name
}
