// The command line: one list of commands, each in a file of its own and loaded only when it is called.

import { Command } from 'commander'
import { reportFailure } from './output.ts'
import { commands } from './commands.ts'

/** Runs one command line. Sets `process.exitCode`: 0 done, 1 it failed, 2 it was called wrongly. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('plinth').description('Runs and looks after a Plinth application.').showHelpAfterError().exitOverride()
  for (const add of commands) add(program)
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    process.exitCode = reportFailure(error)
  }
}
