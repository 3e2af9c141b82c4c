// Was it renamed, or is it new? Never guessed: what the caller has not answered becomes a question.

import { difference, type Ambiguity, type Answer } from './differ.ts'
import { migrateErrors } from './errors.ts'
import { move, nameMap, type Renaming } from './relocate.ts'
import { dotted, nameOf, type Entity, type Snapshot } from './snapshot.ts'

export type RenameKind = 'table' | 'column' | 'enum' | 'schema' | 'sequence'

/** What the caller says about one new thing: what it was before, or null when it really is new. Names are dotted: `posts.title`. */
export interface RenameAnswer {
  readonly kind: RenameKind
  /** New name: `posts.heading`. */
  readonly entity: string
  readonly from: string | null
}

/** A new thing that may be a renamed one. */
export interface RenameQuestion {
  readonly kind: RenameKind
  readonly entity: string
  /** Dotted names of what is gone, the likeliest first. */
  readonly candidates: readonly string[]
  /** How each candidate is chosen on the command line, in the same order: `--rename posts.title:heading`. */
  readonly flags: readonly string[]
}

export interface RenameOptions {
  readonly answers: readonly RenameAnswer[]
  /** Everything that no answer names is new. */
  readonly noRename: boolean
}

const entityTypes = { table: 'tables', column: 'columns', enum: 'enums', schema: 'schemas', sequence: 'sequences' } as const

/** Reads `posts.title:heading` (or `posts.title:posts.heading`), the value of `--rename`; with `kind` those of `--rename-table` and so on. */
export function parseRename(text: string, kind: RenameKind = 'column'): RenameAnswer | undefined {
  const colon = text.lastIndexOf(':')
  const [from, to] = [text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)].map((name) => name.replace(/^public\./, ''))
  if (from === undefined || to === undefined || from === '' || to === '') return undefined
  const parent = from.slice(0, from.lastIndexOf('.') + 1)
  return { kind, entity: to.startsWith(parent) ? to : `${parent}${to}`, from }
}

/**
 * Finds which of the new things are renamed ones.
 *
 * @throws  MIGRATE_UNKNOWN_RENAME when an answer names something that did not change
 */
export async function resolveRenames(
  before: Snapshot,
  after: Snapshot,
  options: RenameOptions,
): Promise<{ renamings: Renaming[] } | { questions: RenameQuestion[] }> {
  const answers: Answer[] = []
  const used = new Set<RenameAnswer>()
  for (;;) {
    const result = await difference(before, after, answers)
    if ('statements' in result) break
    const gone = move(before.ddl, answers.filter(isRenaming))
    const questions: RenameQuestion[] = []
    for (const ambiguity of firstLevel(result.ambiguities)) {
      const question = questionOf(ambiguity, gone, after.ddl)
      const given = question && options.answers.find((answer) => answersTo(answer, question))
      const open = question && given === undefined && !options.noRename ? withoutAnswered(question, options.answers) : undefined
      if (given) used.add(given)
      if (open !== undefined && open.candidates.length > 0) questions.push(open)
      else answers.push(given?.from == null ? { type: 'create', ...pick(ambiguity) } : renamingOf(given, ambiguity, gone, after.ddl))
    }
    if (questions.length > 0) return { questions }
  }
  const unused = options.answers.find((answer) => !used.has(answer))
  if (unused !== undefined) throw unknownRename(unused, before.ddl, after.ddl)
  return { renamings: answers.filter(isRenaming) }
}

/** What an answer has given a new name to cannot be something else as well. */
function withoutAnswered(question: RenameQuestion, answers: readonly RenameAnswer[]): RenameQuestion {
  const taken = new Set(
    answers.filter(({ kind, from }) => kind === question.kind && from !== null).map(({ from }) => withoutPublic(from ?? '')),
  )
  const left = question.candidates.flatMap((name, i) => (taken.has(name) ? [] : [{ name, flag: question.flags[i] ?? '' }]))
  return { ...question, candidates: left.map(({ name }) => name), flags: left.map(({ flag }) => flag) }
}

/** While a schema is in question, its tables look new or gone as well. */
function firstLevel(ambiguities: readonly Ambiguity[]): readonly Ambiguity[] {
  const schemas = ambiguities.filter(({ kind }) => kind === 'schema')
  return schemas.length > 0 ? schemas : ambiguities
}

function isRenaming(answer: Answer): answer is Renaming {
  return answer.type === 'rename'
}

function pick({ kind, entity }: Ambiguity): { kind: string; entity: readonly string[] } {
  return { kind, entity }
}

/** Undefined for what loses nothing when it is dropped and made again: constraints, indexes, views, policies. */
function questionOf(ambiguity: Ambiguity, gone: readonly Entity[], after: readonly Entity[]): RenameQuestion | undefined {
  if (!(ambiguity.kind in entityTypes)) return undefined
  const kind = ambiguity.kind as RenameKind // the line above
  const entity = pathName(ambiguity)
  const candidates = candidatesFor(kind, entity, gone, after)
  const flag = kind === 'column' ? '--rename' : `--rename-${kind}`
  const flags = candidates.map(
    (name) => `${flag} ${name}:${entity.slice(parentOf(entity) === parentOf(name) ? parentOf(entity).length : 0)}`,
  )
  return { kind, entity, candidates, flags }
}

function pathName({ kind, entity }: Ambiguity): string {
  const [first = '', ...rest] = entity
  return kind === 'schema' ? first : dotted(first, ...rest)
}

function candidatesFor(kind: RenameKind, entity: string, gone: readonly Entity[], after: readonly Entity[]): string[] {
  const type = entityTypes[kind]
  const kept = new Set(after.filter((it) => it.entityType === type).map(nameOf))
  const target = after.find((it) => it.entityType === type && nameOf(it) === entity)
  const possible = gone.filter(
    (it) => it.entityType === type && !kept.has(nameOf(it)) && (kind !== 'column' || parentOf(nameOf(it)) === parentOf(entity)),
  )
  return possible.toSorted((a, b) => likeness(b, target) - likeness(a, target)).map(nameOf)
}

/** Columns of the same type come first. */
function likeness(candidate: Entity, target: Entity | undefined): number {
  return candidate.entityType === 'columns' && target?.entityType === 'columns' && candidate.type === target.type ? 1 : 0
}

function parentOf(name: string): string {
  return name.slice(0, name.lastIndexOf('.') + 1)
}

function answersTo(answer: RenameAnswer, question: RenameQuestion): boolean {
  if (answer.kind !== question.kind || withoutPublic(answer.entity) !== question.entity) return false
  return answer.from === null || question.candidates.includes(withoutPublic(answer.from))
}

function withoutPublic(name: string): string {
  return name.replace(/^public\./, '')
}

function renamingOf(answer: RenameAnswer, ambiguity: Ambiguity, gone: readonly Entity[], after: readonly Entity[]): Renaming {
  const type = entityTypes[answer.kind]
  const source = gone.find((entity) => entity.entityType === type && nameOf(entity) === withoutPublic(answer.from ?? ''))
  if (source === undefined) throw unknownRename(answer, gone, after)
  return { type: 'rename', kind: ambiguity.kind, from: pathOf(source), to: ambiguity.entity }
}

function pathOf(entity: Entity): string[] {
  if (!('schema' in entity)) return [entity.name]
  return 'table' in entity ? [entity.schema, entity.table, entity.name] : [entity.schema, entity.name]
}

function unknownRename(answer: RenameAnswer, before: readonly Entity[], after: readonly Entity[]): Error {
  const kept = new Set(before.map((entity) => `${entity.entityType} ${nameOf(entity)}`))
  const born = after.filter(
    (entity) => entity.entityType === entityTypes[answer.kind] && !kept.has(`${entity.entityType} ${nameOf(entity)}`),
  )
  const possible = born.flatMap((entity) =>
    candidatesFor(answer.kind, nameOf(entity), before, after).map((from) => `${from}:${nameOf(entity)}`),
  )
  return migrateErrors.UNKNOWN_RENAME(`${answer.from ?? '(new)'}:${answer.entity}`, possible)
}

/** The same renames backwards, for the way down: paths again in the order schema, object, column. */
export function invert(renamings: readonly Renaming[]): Renaming[] {
  const schemas = renamings.filter(({ kind }) => kind === 'schema').map((it) => ({ ...it, from: it.to, to: it.from }))
  const oldSchema = nameMap(schemas).schema
  const place = ([schema = '', name = '']: readonly string[]): string[] => [oldSchema(schema), name]
  const objects = renamings
    .filter(({ kind }) => kind !== 'schema' && kind !== 'column')
    .map((it) => ({ ...it, from: place(it.to), to: place(it.from) }))
  const names = nameMap([...schemas, ...objects])
  const columns = renamings
    .filter(({ kind }) => kind === 'column')
    .map(({ from, to, ...rest }) => {
      const table = names.object('table', to[0] ?? '', to[1] ?? '')
      return { ...rest, from: [...table, to[2] ?? ''], to: [...table, from[2] ?? ''] }
    })
  return [...schemas, ...objects, ...columns]
}
