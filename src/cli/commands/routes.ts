// `plinth routes`: every address the application answers.

import type { Command } from 'commander'

export function addRoutes(program: Command): void {
  program
    .command('routes')
    .description('Lists every route: method, path and what answers it.')
    .option('--json', 'print JSON')
    .action(async ({ json = false }: { readonly json?: boolean }) => {
      const { listRoutes } = await import('../list-routes.ts')
      await listRoutes(json)
    })
}
