// Soft-deleted records are for whoever may restore them. Reads that want none ask nothing about that.

import type { CompiledResource } from '../registry.ts'
import type { Condition, Verdict } from '../plan.ts'
import { refusal } from './admit.ts'
import { seal } from './seal.ts'
import type { Sight } from './sights.ts'
import { allOf, anyOf } from './verdicts.ts'

/**
 * What a caller sees of the records and of the deleted ones.
 *
 * @throws AppError `AUTH_REQUIRED` (401), `AUTH_FORBIDDEN` (403) when they may restore none
 */
export function withDeleted(sight: Sight): Sight {
  const { resource, held, decision } = sight
  const isDeleted = notAlive(resource)
  const mayRestore = isDeleted === undefined ? true : decision.rows.delete
  if (isDeleted === undefined || mayRestore === true) return sight
  if (mayRestore === false) throw refusal(sight, 'restore')
  const texts = [...(held.get(resource.name) ?? [])]
  const restorable = seal(mayRestore, resource.name, texts)
  const list: Verdict = allOf([resource.rows.list, anyOf([{ type: 'not', condition: isDeleted }, restorable])])
  return {
    ...sight,
    resource: { ...resource, rows: { ...resource.rows, list } },
    held: new Map([...held, [resource.name, texts]]),
  }
}

function notAlive({ model }: CompiledResource): Condition | undefined {
  const field = model.softDelete === undefined ? undefined : model.fieldByName.get(model.softDelete)
  return field && { type: 'compare', field, operator: 'null', values: ['false'] }
}
