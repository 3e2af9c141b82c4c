// Values that are in one row alone: whoever is shown one has been shown that row.

import type { Model } from '../../model/model.ts'
import { type Actor, sides } from './actors.ts'
import type { Ground } from './ground.ts'
import type { Rows, Side } from './rows.ts'
import { isDistinctive, shortest } from './values.ts'

/** @param side  undefined: of rows that belong to no tenant */
export function canariesOf(rows: Rows, model: Model, side: Side | undefined): string[] {
  const fields = model.fields.filter(isDistinctive)
  return rows.of(model, side).flatMap(({ values }) => fields.flatMap(({ name }) => canary(values.get(name))))
}

/** What a column has by default is in many rows. */
function canary(text: string | null | undefined): string[] {
  return text === null || text === undefined || text.length < shortest ? [] : [text]
}

/** Values of the rows that an actor may know nothing of. Who is in both tenants knows that they are there. */
export function hiddenFrom({ secret, tenancy, models }: Ground, rows: Rows, { side, isInBoth }: Actor, theirs: Side): ReadonlySet<string> {
  const hidden = side === undefined ? sides : [theirs]
  const shown = (model: Model): readonly (Side | undefined)[] => {
    if (!secret.has(model) || (isInBoth && model === tenancy.tenants)) return [undefined, ...sides]
    return side === undefined ? [undefined] : [undefined, side]
  }
  const known = new Set(models.flatMap((model) => shown(model).flatMap((one) => canariesOf(rows, model, one))))
  const all = hidden.flatMap((one) => [...secret].flatMap((model) => canariesOf(rows, model, one)))
  return new Set(all.filter((text) => !known.has(text)))
}
