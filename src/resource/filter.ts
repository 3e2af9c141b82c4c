// Filter nodes of a request → conditions of a plan. Refuses unknown names, operators that do not fit, and values out of range.

import type { FilterOperator } from '../model/kinds/kind.ts'
import type { Field } from '../model/model.ts'
import { parseFilterText } from '../model/parse-field.ts'
import { nearest } from '../support/similar.ts'
import { resourceErrors } from './errors.ts'
import type { Condition } from './plan.ts'
import type { CompiledRelation, CompiledResource } from './registry.ts'
import type { FilterNode } from './request.ts'

/** Conditions in one request, relations on the way to them included; each costs PostgreSQL planning time: 120 nested relations take 5 s. */
export const mostConditions = 50

type Comparison = Extract<FilterNode, { path: readonly string[] }>

export function planFilter(resource: CompiledResource, node: FilterNode): Condition {
  if (countComparisons(node) > mostConditions) throw resourceErrors.TOO_MANY_CONDITIONS(mostConditions)
  return planNode(resource, node)
}

function countComparisons(node: FilterNode): number {
  if ('path' in node) return node.path.length
  return childrenOf(node).reduce((sum, child) => sum + countComparisons(child), 0)
}

function childrenOf(node: Exclude<FilterNode, Comparison>): readonly FilterNode[] {
  return 'all' in node ? node.all : node.any
}

function planNode(resource: CompiledResource, node: FilterNode): Condition {
  if ('path' in node) return planComparison(resource, node)
  if ('any' in node) return { type: 'any', conditions: node.any.map((child) => planNode(resource, child)) }
  return { type: 'all', conditions: planAll(resource, node.all) }
}

/** Conditions of one group that lead through the same relation are about the same record behind it; those of its inner groups are not. */
function planAll(resource: CompiledResource, nodes: readonly FilterNode[]): Condition[] {
  const own = nodes.filter((node) => !isBehindRelation(node)).map((node) => planNode(resource, node))
  const behind = Map.groupBy(nodes.filter(isBehindRelation), ({ path }) => path[0] ?? '')
  return [...own, ...[...behind].map(([name, comparisons]) => planRelated(resource, name, comparisons))]
}

function isBehindRelation(node: FilterNode): node is Comparison {
  return 'path' in node && node.path.length > 1
}

function planRelated(resource: CompiledResource, name: string, comparisons: readonly Comparison[]): Condition {
  const relation = resource.relations.get(name)
  if (relation === undefined) throw unknownRelation(name, resource).with({ field: comparisons[0]?.source })
  const inner = comparisons.map((comparison) => ({ ...comparison, path: comparison.path.slice(1) }))
  return { type: 'related', relation, condition: planNode(relation.target, { all: inner }), negated: false }
}

function planComparison(resource: CompiledResource, node: Comparison): Condition {
  if (node.path.length > 1) return planRelated(resource, node.path[0] ?? '', [node])
  const [name = ''] = node.path
  const field = resource.visibleByName.get(name)
  if (field !== undefined) return compare(field, node)
  const relation = resource.relations.get(name)
  if (relation === undefined) throw unknownField(name, resource).with({ field: node.source })
  return existence(relation, node)
}

/** `filter[comments][null]=true`: records without comments. */
function existence(relation: CompiledRelation, node: Comparison): Condition {
  if (node.operator !== 'null')
    throw resourceErrors.UNKNOWN_OPERATOR(node.operator, relation.relation.name, ['null']).with({ field: node.source })
  return { type: 'related', relation, condition: undefined, negated: parseTruth(node) === 'true' }
}

function compare(field: Field, node: Comparison): Condition {
  const allowed = operatorsOf(field)
  if (!allowed.includes(node.operator)) {
    throw resourceErrors.UNKNOWN_OPERATOR(node.operator, field.name, allowed).with({ field: node.source })
  }
  return { type: 'compare', field, operator: node.operator, values: valuesOf(field, node) }
}

/** Every operator that a filter on `field` may use. */
export function operatorsOf(field: Field): readonly FilterOperator[] {
  const own: readonly FilterOperator[] = field.dimensions === 0 ? field.kind.operators : ['has']
  return field.nullable ? [...own, 'null'] : own
}

function valuesOf(field: Field, node: Comparison): readonly string[] {
  switch (node.operator) {
    case 'null':
      return [parseTruth(node)]
    case 'contains':
    case 'starts':
    case 'ends':
      return [plainText(node)]
    case 'between':
      if (node.values.length !== 2) throw invalid(node, 'between takes two values.', 'Write the lower and the upper one: 10,20')
      return node.values.map((value) => parse(field, value, node))
    default:
      return node.values.map((value) => parse(field, value, node))
  }
}

function parseTruth(node: Comparison): string {
  const [value] = node.values
  if (value !== 'true' && value !== 'false') throw invalid(node, `"${value ?? ''}" is neither true nor false.`)
  return value
}

function plainText(node: Comparison): string {
  const [value = ''] = node.values
  if (value.includes('\u0000')) throw invalid(node, 'text cannot contain the character NUL.')
  return value
}

function parse(field: Field, value: string, node: Comparison): string {
  const parsed = parseFilterText(field, value)
  if ('problem' in parsed) throw invalid(node, parsed.problem, parsed.hint)
  return parsed.value
}

function invalid(node: Comparison, problem: string, hint?: string) {
  return resourceErrors.INVALID_VALUE(node.source, problem, hint).with({ field: node.source })
}

export function unknownField(name: string, resource: CompiledResource) {
  return resourceErrors.UNKNOWN_FIELD(name, resource.name, nearest(name, resource.visibleByName.keys()))
}

export function unknownRelation(name: string, resource: CompiledResource) {
  return resourceErrors.UNKNOWN_RELATION(name, resource.name, nearest(name, resource.relations.keys()))
}
