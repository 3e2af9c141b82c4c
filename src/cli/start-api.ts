// Serving: load, migrate and seed when asked, listen, say where, and end well.

import { flushCompileCache } from 'node:module'
import { join } from 'node:path'
import { type App, createApp } from '../app/create.ts'
import { guardProcess } from '../core/guard-process.ts'
import type { StartOptions } from './commands/start.ts'
import { loadApp } from './load-app.ts'
import { print } from './output.ts'

/** After the first requests; writing some 600 files the first time takes a moment. */
const compileCacheDelayMs = 2_000

export async function startApi({ prepare = false, dev = false }: StartOptions): Promise<void> {
  const { definition, config, root } = await loadApp()
  if (dev) watchSettings(root)
  const starting = holdSignals()
  const app = await createApp(definition, config)
  guardProcess({
    log: app.log,
    stop: () => app.stop(),
    flush: () => app.log.flush(),
    timeoutMs: config.limits.drainMs * 2 + config.limits.shutdownMs + 5000,
  })
  starting.release()
  try {
    if (prepare) await prepareFirst(app, root)
    const { url } = await app.start()
    // By itself Node writes it when the process ends, which one that is killed does not come to.
    setTimeout(flushCompileCache, compileCacheDelayMs).unref()
    if (config.env === 'production') app.log.info({ url }, 'listening')
    else await welcome(app, url, root, dev)
  } catch (error) {
    await app.stop()
    throw error
  }
}

async function prepareFirst(app: App, root: string): Promise<void> {
  const { prepareDatabase } = await import('./prepare-database.ts')
  await prepareDatabase(app, root)
}

/** The differ takes a third of a second to load, so it looks when the application is serving already. */
async function welcome(app: App, url: string, root: string, dev: boolean): Promise<void> {
  const { name, prefix = '/api' } = app.definition.options
  print([`${name} is running`, `  API   ${url}${prefix}`, `  Docs  ${url}/docs`, `  Stop with Ctrl+C`].join('\n'))
  const { sayWhatHasChanged, sayWhatIsPending } = await import('./say-what-is-missing.ts')
  await sayWhatIsPending(app, root)
  if (dev) await sayWhatHasChanged(app, root)
}

/** A signal that comes while the embedded database is being started would leave it running. It is sent again when it can be served. */
function holdSignals(): { release(): void } {
  const held: NodeJS.Signals[] = []
  const hold = (signal: NodeJS.Signals): void => void held.push(signal)
  process.on('SIGTERM', hold).on('SIGINT', hold)
  return {
    release() {
      process.off('SIGTERM', hold).off('SIGINT', hold)
      if (held[0] !== undefined) process.kill(process.pid, held[0])
    },
  }
}

/** `node --watch` learns what to watch from messages of the program, one for each module; this one is about `.env`. */
function watchSettings(root: string): void {
  process.send?.({ 'watch:require': [join(root, '.env')] })
}
