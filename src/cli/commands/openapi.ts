// `plinth openapi`: the OpenAPI document, for clients and linters.

import type { Command } from 'commander'

export function addOpenapi(program: Command): void {
  program
    .command('openapi')
    .description('Prints the OpenAPI 3.1 document.')
    .option('-o, --output <file>', 'write it to a file')
    .action(async (options: { readonly output?: string }) => {
      const { printOpenapi } = await import('../print-openapi.ts')
      await printOpenapi(options.output)
    })
}
