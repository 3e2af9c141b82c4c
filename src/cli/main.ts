// The command line: one list of commands, each in a file of its own and loaded only when it is called.

import { Command } from 'commander'
import { packageVersion } from '../core/package-version.ts'
import { commands } from './commands.ts'
import { inOurWords, reportFailure } from './failure.ts'
import { surviveClosedPipes } from './output.ts'

/** Runs one command line. Sets `process.exitCode`: 0 done, 1 it failed, 2 it was called wrongly. */
export async function main(argv: readonly string[]): Promise<void> {
  surviveClosedPipes()
  const program = new Command('plinth')
    .description('Runs and looks after a Plinth application.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print what a command does and takes')
    .showHelpAfterError('Add --help to see what there is.')
    .configureOutput({ outputError: (text, write) => write(inOurWords(text)) })
    .exitOverride()
  for (const add of commands) add(program)
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    process.exitCode = reportFailure(error)
  }
}
