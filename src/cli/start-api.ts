// Serving: load, migrate and seed when asked, listen, say where, and end well. In one process, or as one of several.

import { flushCompileCache } from 'node:module'
import { join } from 'node:path'
import { type App, createApp } from '../app/create.ts'
import { guardProcess } from '../core/guard-process.ts'
import type { WorkerFacts } from '../core/processes/messages.ts'
import { type Ending, PeerLink } from '../core/processes/peer-link.ts'
import type { StartOptions } from './commands/start.ts'
import { reportFailure } from './failure.ts'
import { type LoadedApp, loadApp } from './load-app.ts'

/** After the first requests; writing some 600 files the first time takes a moment. */
const compileCacheDelayMs = 2_000

export async function startApi(options: StartOptions): Promise<void> {
  if (options.worker === undefined) return serve(options)
  // The channel to the primary would keep a process alive that has failed to start.
  await serve(options).catch((error: unknown) => process.exit(reportFailure(error)))
}

async function serve(options: StartOptions): Promise<void> {
  const { prepare = false, dev = false, worker } = options
  const primary = worker === undefined ? undefined : new PeerLink(worker)
  const loaded = await loadApp()
  const { definition, config, root } = loaded
  primary?.hello(factsOf(loaded))
  if (dev) watchSettings(root)
  const starting = holdSignals()
  const app = await createApp(definition, config, primary)
  guard(app, primary)
  starting.release()
  try {
    if (prepare) await prepareFirst(app, root)
    const { url } = await app.start()
    // By itself Node writes it when the process ends, which one that is killed does not come to.
    setTimeout(flushCompileCache, compileCacheDelayMs).unref()
    primary?.ready(url)
    await sayWhere(app, url, root, options)
  } catch (error) {
    await app.stop()
    throw error
  }
}

/** What the primary, which does not load the application, has to know of it. */
function factsOf({ definition, config, root }: LoadedApp): WorkerFacts {
  const { name, prefix = '/api' } = definition.options
  const embedded = config.database.url === undefined
  return { name, prefix, root, embedded, env: config.env, log: config.log, stopMs: stopMs(config) + 1_000 }
}

/** Longest time a stop may take: connections are accepted, then idle ones closed, requests finished, the rest closed. */
function stopMs({ limits }: LoadedApp['config']): number {
  return limits.drainMs * 2 + limits.shutdownMs + 5_000
}

/** One of several processes that crashes, or is to be replaced, retires: the others serve on. */
function guard(app: App, primary: PeerLink | undefined): void {
  let retiring = false
  const stop = (crashed: boolean): Promise<void> => {
    if (crashed) primary?.leaving()
    return app.stop({ retiring: primary !== undefined && (retiring || crashed) })
  }
  const end = guardProcess({ log: app.log, stop, flush: () => app.log.flush(), timeoutMs: stopMs(app.config) })
  if (primary === undefined) return
  process.on('SIGHUP', () => {}) // a terminal sends it to all processes; it is the primary's to reload
  const obey = (how: Ending): void => {
    retiring = how === 'retire'
    end()
  }
  void primary.ending.then(obey)
}

async function prepareFirst(app: App, root: string): Promise<void> {
  const { prepareDatabase } = await import('./prepare-database.ts')
  await prepareDatabase(app, root)
}

/** The differ takes a third of a second to load, so it looks when the application is serving already. */
async function sayWhere(app: App, url: string, root: string, { dev = false, worker, first = false }: StartOptions): Promise<void> {
  const isAlone = worker === undefined
  if (app.config.env === 'production') return isAlone ? app.log.info({ url }, 'listening') : undefined
  const { name, prefix = '/api' } = app.definition.options
  if (isAlone) (await import('./welcome.ts')).welcome({ name, url, prefix })
  if (!isAlone && !first) return
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
