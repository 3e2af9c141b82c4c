// Serving: load, migrate and seed when asked, listen, say where, and end well.

import { createApp } from '../app/create.ts'
import { guardProcess } from '../core/guard-process.ts'
import { loadApp } from './load-app.ts'
import { print } from './output.ts'
import { prepareDatabase } from './prepare-database.ts'

export async function startApi({ prepare = false }: { readonly prepare?: boolean }): Promise<void> {
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
}

function welcome(name: string, url: string, prefix: string): string {
  return [`${name} is running`, `  API   ${url}${prefix}`, `  Docs  ${url}/docs`, `  Stop with Ctrl+C`].join('\n')
}
