// `plinth shell`: a prompt with the application loaded.

import type { Command } from 'commander'

export function addShell(program: Command): void {
  program
    .command('shell')
    .description('Opens a prompt with the application loaded.')
    .option('--sandbox', 'roll back everything when the shell ends')
    .action(async (options: { readonly sandbox?: boolean }) => {
      const { openShell } = await import('../shell.ts')
      await openShell(options.sandbox ?? false)
    })
}
