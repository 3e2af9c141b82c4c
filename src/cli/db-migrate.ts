// `plinth db migrate`: plans, asks what was renamed, refuses losses by name, writes the folder.

import { join } from 'node:path'
import { isCancel, select } from '@clack/prompts'
import { schemaOf } from '../app/models.ts'
import { trackingOf } from '../app/tracking.ts'
import { check } from '../db/migrate/check.ts'
import type { Loss } from '../db/migrate/losses.ts'
import { emptyMigration, type MigrationPlan, planMigration, type PlanOptions, writeMigration } from '../db/migrate/plan.ts'
import { parseRename, type RenameAnswer, type RenameQuestion } from '../db/migrate/renames.ts'
import { loadApp } from './load-app.ts'
import { print, printJson, UsageError } from './output.ts'
import { working } from './progress.ts'

export interface MigrateFlags {
  readonly message?: string
  readonly check?: boolean
  readonly empty?: boolean
  /** False for `--no-rename`. */
  readonly rename: readonly string[] | false
  readonly renameTable: readonly string[]
  readonly renameEnum: readonly string[]
  readonly renameSequence: readonly string[]
  readonly renameSchema: readonly string[]
  readonly allowLoss: readonly string[]
  readonly json?: boolean
}

type Written = Extract<MigrationPlan, { kind: 'migration' }>

export async function migrate(flags: MigrateFlags): Promise<void> {
  const { definition, root } = await loadApp()
  const directory = join(root, 'migrations')
  const models = schemaOf(definition.options)
  const tracking = trackingOf(definition)
  if (flags.check === true) return report(await check(models, directory, tracking), flags.json ?? false)
  const message = flags.message
  if (message === undefined) throw new UsageError('Say what changes: plinth db migrate -m "add price to books"')
  const plan = flags.empty === true ? await emptyMigration(directory) : await plannedMigration({ models, tracking, directory }, flags)
  const revisions = plan === undefined ? [] : await writeMigration(directory, message, plan)
  if (flags.json === true) return printJson({ revisions, warnings: plan?.warnings ?? [] })
  if (plan === undefined) return print('Nothing to migrate: the migrations make what the models say.')
  for (const revision of revisions) print(`  new      migrations/${revision}/ (up.sql, down.sql)`)
  for (const warning of plan.warnings) print(`  note     ${warning}`)
  print('Read it, then apply it: plinth db upgrade')
}

function report(changes: readonly string[], json: boolean): void {
  if (changes.length > 0) process.exitCode = 1
  if (json) return printJson({ changes })
  if (changes.length === 0) return print('Models and migrations agree.')
  print('Models and migrations differ:')
  for (const change of changes) print(`  - ${change}`)
  print('Write the migration: plinth db migrate -m "…"')
}

/** Asks until nothing is open. @returns undefined when there is nothing to migrate */
async function plannedMigration(
  wanted: Pick<PlanOptions, 'models' | 'tracking' | 'directory'>,
  flags: MigrateFlags,
): Promise<Written | undefined> {
  const renames = renameFlags(flags)
  for (;;) {
    const options = { ...wanted, renames, noRename: flags.rename === false, acceptLoss: flags.allowLoss }
    const erase = working('Planning the migration and trying it on a shadow database …')
    const plan = await planMigration(options).finally(erase)
    if (plan.kind === 'none') return undefined
    if (plan.kind === 'refused') throw lossRefused(plan.losses)
    if (plan.kind === 'migration') return plan
    // One at a time: an answer may leave the next question with nothing to ask about.
    for (const question of plan.possibleRenames.slice(0, 1)) renames.push(await ask(question))
  }
}

function renameFlags({ rename, renameTable, renameEnum, renameSequence, renameSchema }: MigrateFlags): RenameAnswer[] {
  const given = {
    column: rename === false ? [] : rename,
    table: renameTable,
    enum: renameEnum,
    sequence: renameSequence,
    schema: renameSchema,
  }
  return Object.entries(given).flatMap(([kind, texts]) => texts.map((text) => parsed(text, kind as keyof typeof given)))
}

function parsed(text: string, kind: RenameAnswer['kind']): RenameAnswer {
  const answer = parseRename(text, kind)
  if (answer === undefined) throw new UsageError(`"${text}" is not a rename. Write ${kind === 'column' ? 'table.old:new' : 'old:new'}.`)
  return answer
}

async function ask(question: RenameQuestion): Promise<RenameAnswer> {
  const { kind, entity, candidates, flags } = question
  if (!process.stdin.isTTY) throw renameUnanswered(question)
  const answer = await select({
    message: `Is the ${kind} "${entity}" new, or was it renamed?`,
    options: [
      { value: '', label: 'it is new' },
      ...candidates.map((candidate, i) => ({ value: candidate, label: `renamed from ${candidate}`, hint: flags[i] })),
    ],
  })
  if (isCancel(answer)) throw new UsageError('Nothing was written.')
  return { kind, entity, from: answer === '' ? null : answer }
}

function renameUnanswered({ kind, entity, flags }: RenameQuestion): UsageError {
  return new UsageError(
    [
      `The ${kind} "${entity}" is new or renamed; that is not guessed. Say which:`,
      ...[...flags, '--no-rename'].map((flag) => `  ${flag}`),
    ].join('\n'),
  )
}

function lossRefused(losses: readonly Loss[]): UsageError {
  return new UsageError(
    [
      'This migration can lose data, so nothing was written:',
      ...losses.map(({ what }) => `  - it ${what}`),
      'If that is meant, add:',
      ...losses.map(({ flag }) => `  ${flag}`),
    ].join('\n'),
  )
}
