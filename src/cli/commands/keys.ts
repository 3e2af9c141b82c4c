// `plinth keys list|rotate|end`: the keys that access tokens are signed with.

import type { Command } from 'commander'
import type { KeysFlags } from '../keys-commands.ts'

const load = () => import('../keys-commands.ts')

export function addKeys(program: Command): void {
  const keys = program.command('keys').description('Looks after the keys that access tokens are signed with.')
  keys
    .command('list')
    .description('Lists the keys that are accepted.')
    .option('--json', 'print JSON')
    .action(async (flags: KeysFlags) => (await load()).listKeys(flags))
  keys
    .command('rotate')
    .description('Makes a new key. What the old one signed is good until it expires.')
    .option('--json', 'print JSON')
    .action(async (flags: KeysFlags) => (await load()).rotateKey(flags))
  keys
    .command('end')
    .description('Ends a key that somebody else may have: what it signed is refused.')
    .argument('<key>', 'its name in the list')
    .option('--json', 'print JSON')
    .action(async (kid: string, flags: KeysFlags) => (await load()).endKey(kid, flags))
}
