// Development: `node --watch` runs `plinth start api` and restarts it when any file it has imported changes. A file with
// a mistake in it is reported, and the next save tries again.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { loadConfig } from '../core/env.ts'
import { holdDatabase } from './hold-database.ts'
import { findRoot } from './load-app.ts'
import { UsageError } from './output.ts'
import { plinthProgram, runPlinth } from './run-plinth.ts'

export async function watchApp(prepare: boolean): Promise<void> {
  const root = findRoot()
  const config = loadConfig(root)
  if (config.env === 'production') throw new UsageError('This is production (APP_ENV or NODE_ENV says so). Serve it with: plinth start api')
  // Restarts are 0.3 s shorter when it goes on running meanwhile.
  const release = config.database.url === undefined ? await holdDatabase(config.root) : async () => {}
  try {
    process.exitCode = (prepare ? await prepareOnce(root) : 0) || (await watch(root))
  } finally {
    await release()
  }
}

/** Once, not at every restart: a migration that was only just written is to be read first. @returns the exit code */
async function prepareOnce(root: string): Promise<number> {
  return (await runPlinth(root, ['db', 'upgrade'])) || runPlinth(root, ['db', 'seed'])
}

/** @returns the exit code, 0 when a signal ended it */
async function watch(root: string): Promise<number> {
  const args = ['--watch', '--watch-preserve-output', plinthProgram, 'start', 'api', '--dev']
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' })
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal)
  process.on('SIGINT', forward).on('SIGTERM', forward)
  const [code] = (await once(child, 'exit')) as [number | null]
  process.off('SIGINT', forward).off('SIGTERM', forward)
  return code ?? 0
}
