// `plinth start api`: serves the application until it is told to stop.

import { type Command, Argument, Option } from 'commander'

export interface StartOptions {
  readonly prepare?: boolean
  readonly dev?: boolean
}

export function addStart(program: Command): void {
  program
    .command('start')
    .description('Serves the application.')
    .addArgument(new Argument('[process]', 'which process to start').choices(['api']).default('api'))
    .option('--prepare', 'first apply migrations, and load the seed into an empty database')
    .addOption(new Option('--dev', 'say when models and migrations differ; set by `plinth dev`').hideHelp())
    .action(async (_process: string, options: StartOptions) => {
      const { startApi } = await import('../start-api.ts')
      await startApi(options)
    })
}
