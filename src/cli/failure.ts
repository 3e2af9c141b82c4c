// How commands fail: a message a person can act on, and an exit code a script can read.

import { CommanderError } from 'commander'
import { AppError } from '../core/errors.ts'
import { CommandFailure, note, UsageError } from './output.ts'

/** Prints what went wrong. @returns the exit code: 2 for a wrong call, 1 for a failure */
export function reportFailure(error: unknown): number {
  // Commander has printed its own message, and "errors" such as --help are none.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  note(error instanceof UsageError || error instanceof CommandFailure ? error.message : describe(error))
  return error instanceof UsageError ? 2 : 1
}

/** Errors that are declared explain themselves. Of others the reader needs the place in their own code. */
function describe(error: unknown): string {
  if (error instanceof AppError) return explain(error)
  if (!(error instanceof Error)) return String(error)
  return inTheirWords(error.stack ?? error.message)
}

function explain(error: AppError): string {
  const details = error.details.map(({ field, message }) => `  - ${field === undefined ? '' : `${field}: `}${message}`)
  return [error.message, ...details, ...causes(error), ...(error.hint === undefined ? [] : [error.hint])].join('\n')
}

/** What lies behind an error, unless its message says it already: a package that is missing is always named. */
function causes(error: AppError): string[] {
  const lines: string[] = []
  let said = error.message
  for (let { cause } = error as Error; cause instanceof Error; { cause } = cause) {
    const isSaid = said.includes(cause.message) || ('code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND')
    if (!isSaid) lines.push(`  because: ${cause.message}`)
    said += cause.message
  }
  return lines
}

const frame = /^\s+at /
const commandLineFrame = /\/(src|dist)\/cli\/|\/commander\/|\/bin\/plinth\.js/

/** A stack as far as it is about the application: without Node's calls and the way that led there, files as paths. */
function inTheirWords(stack: string): string {
  const lines = stack.split('\n').filter((line) => !/^\s+at .*\bnode:/.test(line))
  const last = lines.findLastIndex((line) => frame.test(line) && !commandLineFrame.test(line))
  const kept = last === -1 ? lines : lines.slice(0, last + 1)
  return kept.join('\n').replaceAll(/file:\/\/(\/[^\s:)]*)/g, (_match, path: string) => decodeURI(path))
}

/** Commander's words in our style: `error: unknown command 'strat'` and `(Did you mean start?)`. */
export function inOurWords(text: string): string {
  const sentence = text
    .trim()
    .replace(/^error: /, '')
    .replace(/\n?\(Did you mean (?:one of )?(.*)\?\)$/, '. Perhaps you meant $1')
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}${/[.?!]$/.test(sentence) ? '' : '.'}\n`
}
