// Development: `node --watch` runs `plinth start api` and restarts it when any file it has imported changes. A file with
// a mistake in it is reported, and the next save tries again.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { loadConfig } from '../core/env.ts'
import { silentLog } from '../core/log.ts'
import { startEmbedded } from '../db/embedded/start.ts'
import { findRoot } from './load-app.ts'
import { plinthProgram, runPlinth } from './run-plinth.ts'

export async function watchApp(prepare: boolean): Promise<void> {
  const root = findRoot()
  const release = await holdDatabase(root)
  if (prepare) await prepareOnce(root)
  const child = spawn(process.execPath, ['--watch', '--watch-preserve-output', plinthProgram, 'start', 'api', '--dev'], { cwd: root, stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  const [code] = (await once(child, 'exit')) as [number | null]
  process.exitCode = code ?? 0
  await release()
}

/** Keeps the embedded database running between restarts, which are 0.3 s shorter for it. */
async function holdDatabase(root: string): Promise<() => Promise<void>> {
  if (loadConfig(root).database.url !== undefined) return async () => {}
  const { stop } = await startEmbedded({ root, log: silentLog() })
  return stop
}

/** Once, not at every restart: a migration that was only just written is to be read first. */
async function prepareOnce(root: string): Promise<void> {
  await runPlinth(root, ['db', 'upgrade'])
  await runPlinth(root, ['db', 'seed'])
}
