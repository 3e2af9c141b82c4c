// Serving: load, migrate and seed when asked, listen, say where, and end well.

import { createApp } from '../app/create.ts'
import type { AppDefinition } from '../app/define.ts'
import { guardProcess } from '../core/guard-process.ts'
import type { StartOptions } from './commands/start.ts'
import { loadApp } from './load-app.ts'
import { print } from './output.ts'
import { prepareDatabase } from './prepare-database.ts'

export async function startApi({ prepare = false, dev = false }: StartOptions): Promise<void> {
  const { definition, config, root } = await loadApp()
  const app = await createApp(definition, config)
  guardProcess({
    log: app.log,
    stop: () => app.stop(),
    flush: () => app.log.flush(),
    timeoutMs: config.limits.drainMs * 2 + config.limits.shutdownMs + 5000,
  })
  if (prepare) await prepareDatabase(app, root)
  const { url } = await app.start()
  if (config.env !== 'production') print(welcome(definition.options.name, url, definition.options.prefix ?? '/api'))
  if (dev) await sayWhenMigrationIsNeeded(definition, root)
}

/** After listening: the differ takes a third of a second to load, and nobody should wait for it. */
async function sayWhenMigrationIsNeeded(definition: AppDefinition, root: string): Promise<void> {
  const { modelChanges } = await import('./db-commands.ts')
  const changes = await modelChanges({ definition, root })
  if (changes.length === 0) return
  print(
    [
      'The models have changed; the database has not:',
      ...changes.map((change) => `  - ${change}`),
      'Write and apply a migration: plinth db migrate -m "…" && plinth db upgrade',
    ].join('\n'),
  )
}

function welcome(name: string, url: string, prefix: string): string {
  return [`${name} is running`, `  API   ${url}${prefix}`, `  Docs  ${url}/docs`, `  Stop with Ctrl+C`].join('\n')
}
