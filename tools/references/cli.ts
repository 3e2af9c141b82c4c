// docs/reference/cli.md: every command with its arguments and options, from the program that runs them.

import { type Argument, Command, type Option } from 'commander'
import { commands } from '../../src/cli/commands.ts'
import { code, table } from './markdown.ts'

const introduction = `A command is about the application of the folder it is called in, or of one above it: the folder that has \`api/app.ts\`.
The exit code is 0 when it is done, 1 when it failed, 2 when it was called wrongly. \`--help\` works everywhere.`

export function cliReference(): string {
  const program = new Command('plinth')
  for (const add of commands) add(program)
  return ['# Commands', introduction, ...leavesOf(program).map((command) => sectionOf(command))].join('\n\n')
}

/** Commands that do something, in the order of the help. */
function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf)
}

function sectionOf(command: Command): string {
  const rows = [...command.registeredArguments.map(argumentRow), ...command.options.filter(({ hidden }) => !hidden).map(optionRow)]
  const name = pathOf(command)
  return [
    `## ${name}`,
    command.description(),
    `\`${name} ${command.usage()}\``,
    ...(rows.length === 0 ? [] : [table(['', '', 'default'], rows)]),
  ].join('\n\n')
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}

function argumentRow(argument: Argument): string[] {
  return [code(argument.name()), [argument.description, choicesOf(argument)].filter(Boolean).join(': '), defaultOf(argument.defaultValue)]
}

function optionRow(option: Option): string[] {
  return [
    code(option.flags),
    [option.description, choicesOf(option)].filter(Boolean).join(': '),
    defaultOf(option.negate ? undefined : option.defaultValue),
  ]
}

function choicesOf({ argChoices }: Argument | Option): string {
  return (argChoices ?? []).map(code).join(', ')
}

/** Empty lists and what is off are not worth mentioning. */
function defaultOf(value: unknown): string {
  return typeof value === 'string' && value !== '' ? code(value) : ''
}
