// `plinth generate resource book title:string author:references`

import type { Command } from 'commander'

export function addGenerate(program: Command): void {
  const generate = program.command('generate').description('Writes files of the application.')
  generate
    .command('resource')
    .description('Writes model, resource, test and migration of a new resource.')
    .argument('<name>', 'in the singular: book')
    .argument('[fields...]', 'name:type, with "?" when it may be null: title:string body:text? author:references')
    .option('--no-migration', 'do not write the migration')
    .action(async (name: string, fields: readonly string[], options: { readonly migration: boolean }) => {
      const { generateResource } = await import('../generate-resource.ts')
      await generateResource(name, fields, options.migration)
    })
}
