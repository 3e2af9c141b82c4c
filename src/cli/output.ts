// What commands print: results to standard output, as sentences for people or JSON for scripts; all else to standard error.

/** A line of the result. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2))
}

/** A line about what is going on, which is not part of the result. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`)
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

/** `plinth openapi | head` closes the pipe early, which is no failure; a full disk is. */
export function surviveClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') process.exitCode = 1
    })
  }
}

/** A command was called in a way it cannot be: wrong arguments, no application here. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What was asked for could not be done, and the message says all there is to say. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
}
