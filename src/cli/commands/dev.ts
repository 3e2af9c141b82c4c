// `plinth dev`: serves the application and starts it anew whenever a file of it is saved.

import type { Command } from 'commander'

export function addDev(program: Command): void {
  program
    .command('dev')
    .description('Serves the application and restarts it when a file is saved.')
    .option('--prepare', 'first apply migrations, and load the seed into an empty database')
    .action(async (options: { readonly prepare?: boolean }) => {
      const { watchApp } = await import('../watch.ts')
      await watchApp(options.prepare ?? false)
    })
}
