// Rows that a write returned → the record a caller gets: all visible fields, no includes.

import type { TextRows } from '../db/rows.ts'
import { compileShapePlan } from './compiled-shape.ts'
import type { CompiledResource } from './registry.ts'
import { planShape } from './shape-plan.ts'
import { etagOf } from './shape/etag.ts'
import { recordJson } from './shape/result.ts'
import type { RecordShaper } from './writer.ts'

/** The select list must start with the columns of `shapedFields`. */
export function recordShaper(resource: CompiledResource): RecordShaper {
  const shape = compileShapePlan(planShape(resource, {}))
  return {
    toJson: (rows: TextRows, index: number) => recordJson(shape, { rows, children: [] }, index),
    etag: etagOf,
  }
}
