// Development: `node --watch` runs `plinth start api` and restarts it when any file it has imported changes. A file with
// a mistake in it is reported, and the next save tries again.

import { spawn } from 'node:child_process'
import { findRoot } from './load-app.ts'
import { plinthProgram } from './run-plinth.ts'

export async function watchApp(prepare: boolean): Promise<void> {
  const options = ['start', 'api', '--dev', ...(prepare ? ['--prepare'] : [])]
  const child = spawn(process.execPath, ['--watch', '--watch-preserve-output', plinthProgram, ...options], {
    cwd: findRoot(),
    stdio: 'inherit',
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  process.exitCode = await new Promise<number>((resolve) => child.on('exit', (code) => resolve(code ?? 0)))
}
