// What commands print, and how they fail: people read sentences, scripts read JSON and exit codes.

import { CommanderError } from 'commander'
import { AppError } from '../core/errors.ts'

export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2))
}

/** Columns lined up under their headings. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  return [headings, ...rows].map(line).join('\n')
}

/** A command was called in a way it cannot be: wrong arguments, no application here. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Prints what went wrong. @returns the exit code: 2 for a wrong call, 1 for a failure */
export function reportFailure(error: unknown): number {
  // Commander has printed its own message, and "errors" such as --help are none.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof UsageError) return complain(error.message, 2)
  if (error instanceof AppError) return complain([error.message, error.hint].filter((text) => text !== undefined).join('\n'), 1)
  return complain(error instanceof Error ? (error.stack ?? error.message) : String(error), 1)
}

function complain(message: string, code: number): number {
  process.stderr.write(`${message}\n`)
  return code
}
