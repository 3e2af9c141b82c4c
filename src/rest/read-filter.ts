// `filter[…]` parameters → one filter node. Groups: filter[or][0][name]=a&filter[or][1][price][gte]=5.

import type { FilterOperator } from '../model/kinds/kind.ts'
import type { FilterNode } from '../resource/request.ts'
import { restErrors } from './errors.ts'
import { commaList } from './query-pairs.ts'

/** One level of the tree: its own conditions and the numbered members of its groups. */
interface Group {
  readonly conditions: Map<string, Condition>
  readonly groups: Map<'or' | 'and', Map<string, Group>>
}

interface Condition {
  readonly path: readonly string[]
  readonly operator: string
  readonly source: string
  /** Whether each value came with its place: `[in][0]`. */
  readonly indexed: boolean
  readonly values: string[]
}

export const mostDepth = 5
const listOperators: ReadonlySet<string> = new Set(['in', 'nin', 'between'])
/** One way to write each number: where 00 is another member than 0, readers disagree. */
const memberIndex = /^(?:0|[1-9]\d{0,2})$/

export class FilterReader {
  readonly #root = emptyGroup()
  #used = false

  /** @param segments  what stands in the brackets behind `filter` */
  add(name: string, segments: readonly string[], value: string): void {
    this.#used = true
    addTo(this.#root, name, segments, value, 0)
  }

  read(): FilterNode | undefined {
    return this.#used ? nodeOf(this.#root) : undefined
  }
}

function emptyGroup(): Group {
  return { conditions: new Map(), groups: new Map() }
}

function addTo(group: Group, name: string, segments: readonly string[], value: string, depth: number): void {
  const [first = '', second = '', ...rest] = segments
  if (depth > mostDepth) throw restErrors.INVALID_PARAMETER(name, `groups are nested at most ${mostDepth} deep.`).with({ field: name })
  if ((first === 'or' || first === 'and') && memberIndex.test(second))
    return addTo(memberOf(group, first, second), name, rest, value, depth + 1)
  addCondition(group, name, segments, value)
}

function memberOf(group: Group, word: 'or' | 'and', index: string): Group {
  const members = group.groups.get(word) ?? new Map<string, Group>()
  const member = members.get(index) ?? emptyGroup()
  members.set(index, member)
  group.groups.set(word, members)
  return member
}

/** [price], [price][gte], [id][in] with commas, or [id][in][0]. */
function addCondition(group: Group, name: string, segments: readonly string[], value: string): void {
  const [path, operator = 'eq', index] = segments
  const indexed = index !== undefined && listOperators.has(operator) && memberIndex.test(index)
  if (path === undefined || segments.length > 3 || (index !== undefined && !indexed)) {
    throw restErrors.INVALID_PARAMETER(name, 'write filter[field], filter[field][operator] or filter[or][0][field].').with({ field: name })
  }
  const id = `${path} ${operator}`
  const known = group.conditions.get(id)
  if (known !== undefined && !(known.indexed && indexed)) throw restErrors.REPEATED_PARAMETER(name).with({ field: name })
  const condition = known ?? { path: path.split('.'), operator, source: sourceOf(name, indexed), indexed, values: [] }
  if (indexed) condition.values[Number(index)] = value
  else condition.values.push(...valuesOf(operator, value))
  group.conditions.set(id, condition)
}

/** How messages call the condition: without the place of a value. */
function sourceOf(name: string, indexed: boolean): string {
  return indexed ? name.slice(0, name.lastIndexOf('[')) : name
}

function valuesOf(operator: string, value: string): readonly string[] {
  return listOperators.has(operator) ? commaList(value) : [value]
}

function nodeOf(group: Group): FilterNode {
  const nodes: FilterNode[] = [...group.conditions.values()].map(conditionNode)
  for (const [word, members] of group.groups) {
    const inner = [...members.values()].map(nodeOf)
    // Each member of an and-group stands for itself, so that two of them may be met by different records behind a relation.
    nodes.push(word === 'or' ? { any: inner } : { all: inner.map((node) => ({ all: [node] })) })
  }
  return nodes.length === 1 ? (nodes[0] as FilterNode) : { all: nodes }
}

/** What the operator is, the engine looks at; places may have gaps. */
function conditionNode({ path, operator, source, values }: Condition): FilterNode {
  return { path, operator: operator as FilterOperator, source, values: Object.values(values) }
}
