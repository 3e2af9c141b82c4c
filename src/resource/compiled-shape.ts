// A shape plan made ready to run: the select list of a record, the statements of its includes, and the serializer.

import type { TextRows } from '../db/rows.ts'
import type { Field } from '../model/model.ts'
import { includeStatement, type IncludeStatement } from './include-statement.ts'
import type { IncludePlan, ShapePlan } from './plan.ts'
import { linkFields, sourceFields } from './relation-sql.ts'
import { compileShape, type IncludeSpec, type RecordShape, type ShapeSpec } from './shape/record-shape.ts'

export interface CompiledShape {
  readonly plan: ShapePlan
  readonly record: RecordShape
  readonly includes: readonly CompiledInclude[]
  /** A hook wants the records as objects somewhere in this shape, so bytes cannot be passed through. */
  readonly hasSerializeHook: boolean
}

export interface CompiledInclude {
  readonly path: string
  readonly name: string
  readonly many: boolean
  readonly statement: IncludeStatement
  readonly parentColumns: readonly number[]
  readonly integerKey: boolean
  readonly shape: CompiledShape
}

/** The rows of one level as a statement returned them, with the levels below. */
export interface Level {
  readonly rows: TextRows
  readonly children: readonly Level[]
}

export function compileShapePlan(plan: ShapePlan): CompiledShape {
  const includes = plan.includes.map((include) => compileInclude(plan, include))
  return {
    plan,
    includes,
    record: compileShape(shapeSpec(plan, includes)),
    hasSerializeHook: plan.resource.options.hooks?.serialize !== undefined || includes.some((include) => include.shape.hasSerializeHook),
  }
}

function compileInclude(parent: ShapePlan, include: IncludePlan): CompiledInclude {
  const { relation } = include
  const parentFields = [...parent.fields, ...parent.keys]
  return {
    path: include.path,
    name: relation.relation.name,
    many: relation.relation.kind !== 'one',
    statement: includeStatement(include),
    parentColumns: relation.relation.from.map((name) => parentFields.findIndex((field) => field.name === name)),
    integerKey: isInteger(linkFields(relation)) && isInteger(sourceFields(relation)),
    shape: compileShapePlan(include.shape),
  }
}

/** Integers up to four bytes: their text is their value, whichever integer type the other side has. */
function isInteger(fields: readonly Field[]): boolean {
  return fields.length === 1 && fields.every((field) => field.kind.name === 'integer' && field.dimensions === 0)
}

function shapeSpec(plan: ShapePlan, includes: readonly CompiledInclude[]): ShapeSpec {
  return {
    fields: plan.fields,
    width: plan.includes.length === 0 ? plan.fields.length : plan.fields.length + plan.keys.length,
    includes: includes.map((include): IncludeSpec => ({
      name: include.name,
      many: include.many,
      parentColumns: include.parentColumns,
      childColumns: include.statement.linkColumns,
      integerKey: include.integerKey,
      shape: shapeSpec(include.shape.plan, include.shape.includes),
    })),
  }
}
