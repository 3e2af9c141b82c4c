// How every check ends: one line per problem with its place, or one line that says what was looked at.

/** Prints the problems and sets the exit code. `checked` completes the sentence "All is well: …". */
export function report(problems: readonly string[], checked: string): void {
  for (const problem of problems) console.error(problem)
  if (problems.length > 0) process.exitCode = 1
  console.log(problems.length === 0 ? `All is well: ${checked}.` : `${problems.length} problem${problems.length === 1 ? '' : 's'}.`)
}
