// `plinth routes`: every address the application answers, and who may use what.

import type { Command } from 'commander'

interface RoutesFlags {
  readonly access?: boolean
  readonly json?: boolean
}

export function addRoutes(program: Command): void {
  program
    .command('routes')
    .description('Lists every route: method, path and what answers it.')
    .option('--access', 'list instead who may do what with each resource')
    .option('--json', 'print JSON')
    .action(async ({ access = false, json = false }: RoutesFlags) => {
      if (access) await (await import('../list-access.ts')).listAccess(json)
      else await (await import('../list-routes.ts')).listRoutes(json)
    })
}
