// `plinth cache stats|clear|why`: asks the running application about its cache.

import type { Command } from 'commander'
import type { CacheFlags } from '../cache-commands.ts'

const load = () => import('../cache-commands.ts')

export function addCache(program: Command): void {
  const cache = program.command('cache').description('Asks the running application about its cache, or clears it.')
  forRunning(
    cache.command('stats').description('Says how often each resource was answered from the cache, and what is kept where.'),
  ).action(async (flags: CacheFlags) => (await load()).showStats(flags))
  forRunning(cache.command('clear').description('Drops every answer that is kept, in all processes and in Redis.')).action(
    async (flags: CacheFlags) => (await load()).clearCache(flags),
  )
  const why = cache.command('why').description('Says what the cache has for a read, and what would come of it now.')
  forRunning(why.argument('<key or url>', 'an address such as "/api/items/1?fields=name", or the key of an entry')).action(
    async (about: string, flags: CacheFlags) => (await load()).explainRead(about, flags),
  )
}

function forRunning(command: Command): Command {
  return command.option('--url <address>', 'where the application runs; default: this machine, at its port').option('--json', 'print JSON')
}
