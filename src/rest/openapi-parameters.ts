// Parameters of the operations of a resource, as `read-query.ts` reads them and the planner takes them.

import { fieldSchema } from '../model/json-schema.ts'
import { keyFields } from '../resource/get-statement.ts'
import { mostOffset, mostSearchCharacters } from '../resource/list-plan.ts'
import type { CompiledRelation, CompiledResource } from '../resource/registry.ts'
import { mostIncludes } from '../resource/shape-plan.ts'
import { mostKeys } from '../resource/sort.ts'
import { filterParameters } from './openapi-filters.ts'
import { enumerate, type Part, type Parts, refTo } from './openapi-parts.ts'

const ifMatchText = 'Only if the record still has this `ETag` (of a reply without `fields` and `include`); else 412.'

/** Parameters that are the same everywhere. */
export const parameters: Parts = {
  PageNumber: query(
    'page[number]',
    { type: 'integer', minimum: 1, maximum: mostOffset + 1 },
    `Page by number, at most ${mostOffset} records deep. \`page[after]\` is faster and misses nothing.`,
  ),
  PageAfter: query('page[after]', { type: 'string' }, 'The `next` of the previous page. Keep `sort` and the filters as they were.'),
  Deleted: query(
    'deleted',
    { type: 'string', enum: ['without', 'with', 'only'], default: 'without' },
    'Deleted records: left out, among the others, or alone.',
  ),
  IfMatch: header('If-Match', ifMatchText),
  RequiredIfMatch: { ...header('If-Match', ifMatchText), required: true },
  IdempotencyKey: header(
    'Idempotency-Key',
    'A name for this request, such as a UUID. Repeated with the same key it is not done again: the first answer comes back, with `Idempotency-Replayed`. For a limited time, a day unless set otherwise.',
    { minLength: 1, maxLength: 255, pattern: '^[!-~]+$' },
  ),
  Tenant: header(
    'X-Tenant',
    'Key of the tenant to act in, of those that the caller belongs to. Without it: the one that the session has chosen, the only one, or that of the API key.',
  ),
  IfNoneMatch: header('If-None-Match', 'An `ETag` from before: 304 without a body when nothing has changed.'),
}

/** Parameters of a list, the ones people look for first. */
export function listParameters(resource: CompiledResource): readonly Part[] {
  const { search, model } = resource
  return [
    ...(search === undefined ? [] : [searchParameter(search.fields.map(({ name }) => name))]),
    ...sortParameter(resource),
    query(
      'page[size]',
      { type: 'integer', minimum: 1, maximum: resource.pageMax, default: resource.pageSize },
      'Most records of the page.',
    ),
    refTo('parameters', 'PageNumber'),
    ...(model.primaryKey.length === 0 ? [] : [refTo('parameters', 'PageAfter')]),
    query(
      'count',
      { type: 'string', enum: ['exact', 'none'], default: resource.countDefault },
      'Whether to count the records of all pages.',
    ),
    ...(model.softDelete === undefined ? [] : [refTo('parameters', 'Deleted')]),
    ...shapeParameters(resource),
    ...filterParameters(resource),
    refTo('parameters', 'IfNoneMatch'),
  ]
}

/** What reads of one record and of lists have in common. */
export function shapeParameters(resource: CompiledResource): readonly Part[] {
  const relations = [...resource.relations.values()]
  return [
    fieldsParameter('fields', resource, 'Only these fields.'),
    ...(relations.length === 0 ? [] : [includeParameter(resource, relations)]),
    ...relations.map(({ relation, target }) =>
      fieldsParameter(`fields[${relation.name}]`, target, `Only these fields of the included \`${relation.name}\`.`),
    ),
  ]
}

/** The parts of a record's key. */
export function keyParameters(resource: CompiledResource): readonly Part[] {
  return keyFields(resource).map((field) => ({ name: field.name, in: 'path', required: true, schema: fieldSchema(field) }))
}

function query(name: string, schema: Part, description: string): Part {
  return { name, in: 'query', description, schema }
}

function header(name: string, description: string, limits: Part = {}): Part {
  return { name, in: 'header', description, schema: { type: 'string', ...limits } }
}

/** Names separated by commas. */
function names(name: string, items: Part, description: string, limits: Part = {}): Part {
  return { ...query(name, { type: 'array', items, minItems: 1, ...limits }, description), style: 'form', explode: false }
}

function searchParameter(fields: readonly string[]): Part {
  const description = `Words to find in ${enumerate(fields)}. The best matches come first unless \`sort\` says otherwise.`
  return query('search', { type: 'string', maxLength: mostSearchCharacters }, description)
}

function fieldsParameter(name: string, resource: CompiledResource, description: string): Part {
  return names(name, { type: 'string', enum: [...resource.visibleByName.keys()] }, description)
}

function includeParameter(resource: CompiledResource, relations: readonly CompiledRelation[]): Part {
  const own = relations.map(
    ({ relation, target }) => `- \`${relation.name}\`: ${relation.kind === 'one' ? 'one' : 'a list'} of \`${target.name}\``,
  )
  const depth = resource.includeDepth
  const inner = depth > 1 ? `Theirs too: \`${relations[0]?.relation.name}.…\`, up to ${depth} deep.` : ''
  const pattern = `^(${alternatives(relations.map(({ relation }) => relation.name))})(\\.[^.,]+){0,${depth - 1}}$`
  return names('include', { type: 'string', pattern }, `Records to include:\n\n${own.join('\n')}\n\n${inner}`.trim(), {
    maxItems: mostIncludes,
  })
}

function sortParameter(resource: CompiledResource): readonly Part[] {
  const own = resource.visible.filter((field) => field.kind.sortable && field.dimensions === 0).map(({ name }) => name)
  const behind = [...resource.relations.values()].filter(({ relation }) => relation.kind === 'one').map(({ relation }) => relation.name)
  if (own.length + behind.length === 0) return []
  const path = behind.length === 0 ? '' : `|(${alternatives(behind)})(\\.[^.,]+)+`
  const through = behind.length === 0 ? '' : ` Or a field behind ${enumerate(behind)}: \`${behind[0]}.…\`.`
  const items = { type: 'string', pattern: `^-?(${alternatives(own)}${path})$` }
  const description = `Fields to sort by, \`-\` for the descending ones: ${enumerate(own)}.${through}`
  return [names('sort', items, description, { maxItems: mostKeys })]
}

/** Names as the alternatives of a pattern. A hyphen is not escaped: in a Unicode pattern that would be a mistake. */
function alternatives(list: readonly string[]): string {
  return list.map((name) => name.replace(/[$()*+./?[\\\]^{|}]/g, String.raw`\$&`)).join('|')
}
