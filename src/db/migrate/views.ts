// A view can read other views: made after them, dropped before them. The kit sorts them only for `push`.

import { entitiesOf, mentions, type Entity } from './snapshot.ts'

const made = /^CREATE (?:MATERIALIZED )?VIEW (?:"[^"]+"\.)?"([^"]+)"/
const dropped = /^DROP (?:MATERIALIZED )?VIEW (?:"[^"]+"\.)?"([^"]+)"/

/** The same statements with those about views in an order that PostgreSQL accepts; the others stay where they are. */
export function orderViews(statements: readonly string[], ddl: readonly Entity[]): string[] {
  const rank = viewRanks(ddl)
  const rankOf = (pattern: RegExp, statement: string): number => rank.get(pattern.exec(statement)?.[1] ?? '') ?? 0
  const makes = statements.filter((it) => made.test(it)).toSorted((a, b) => rankOf(made, a) - rankOf(made, b))
  const drops = statements.filter((it) => dropped.test(it)).toSorted((a, b) => rankOf(dropped, b) - rankOf(dropped, a))
  return statements.map((it) => (made.test(it) ? makes.shift() : dropped.test(it) ? drops.shift() : undefined) ?? it)
}

/** 0 for a view that reads tables only, otherwise one more than the highest view it reads. */
function viewRanks(ddl: readonly Entity[]): Map<string, number> {
  const views = entitiesOf(ddl, 'views')
  const rank = new Map(views.map((view) => [view.name, 0]))
  for (let round = 0; round < views.length; round++) {
    for (const { name, definition } of views) {
      const below = views
        .filter((other) => other.name !== name && mentions(definition, other.name))
        .map((other) => rank.get(other.name) ?? 0)
      if (below.length > 0) rank.set(name, Math.max(...below) + 1)
    }
  }
  return rank
}
