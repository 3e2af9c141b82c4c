// `plinth start api`: serves the application until it is told to stop.

import type { Command } from 'commander'

interface StartOptions {
  readonly prepare?: boolean
}

export function addStart(program: Command): void {
  program
    .command('start')
    .description('Serves the application.')
    .argument('[process]', 'which process to start: api', 'api')
    .option('--prepare', 'first apply migrations, and load the seed into an empty database')
    .action(async (_process: string, options: StartOptions) => {
      const { startApi } = await import('../start-api.ts')
      await startApi(options)
    })
}
