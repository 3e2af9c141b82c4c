// Development: `node --watch` runs `plinth start api` and restarts it when any file it has imported changes. A file with
// a mistake in it is reported, and the next save tries again.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { loadApp } from './load-app.ts'

export async function watchApp(prepare: boolean): Promise<void> {
  const { root } = await loadApp()
  const program = fileURLToPath(new URL('../../bin/plinth.js', import.meta.url))
  const options = ['start', 'api', '--dev', ...(prepare ? ['--prepare'] : [])]
  const child = spawn(process.execPath, ['--watch', '--watch-preserve-output', program, ...options], { cwd: root, stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  process.exitCode = await new Promise<number>((resolve) => child.on('exit', (code) => resolve(code ?? 0)))
}
