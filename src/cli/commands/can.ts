// `plinth can`: what a caller may do, and why.

import type { Command } from 'commander'
import type { CanFlags } from '../can.ts'

export function addCan(program: Command): void {
  program
    .command('can')
    .description('Says whether a user may do something with a resource, or with one of its records, and why.')
    .argument('<user>', 'key of the user; "anyone" for who has not signed in')
    .argument('<operation>', 'list, get, create, update or delete')
    .argument('<resource>', 'name of the resource')
    .argument('[key]', 'key of a record; of several parts with commas between')
    .option('--why', 'say which rule decided, and by which condition')
    .option('--role <name>', 'a role of the caller, instead of those in the database; may be repeated', collect, [])
    .option('--permission <name>', 'a permission of the caller; may be repeated', collect, [])
    .option('--tenant <key>', 'the tenant that the caller acts in')
    .option('--as-member', 'ask as if the user belonged to that tenant')
    .option('--json', 'print JSON')
    .action(async (user: string, operation: string, resource: string, key: string | undefined, flags: CanFlags) => {
      const { can } = await import('../can.ts')
      await can(user, operation, resource, key, flags)
    })
}

function collect(name: string, names: readonly string[]): readonly string[] {
  return [...names, name]
}
