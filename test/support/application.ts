// An application of this repository as a process of its own, the way `plinth start` runs it; and single commands in its folder.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { freePort } from './postgres-server.ts'

const program = join(import.meta.dirname, '../../bin/plinth.js')
const startDeadlineMs = 60_000
const commandDeadlineMs = 60_000

export interface Application {
  /** `http://127.0.0.1:40123` */
  readonly url: string
  /** Everything printed so far. */
  output(): string
  /** Asks it to stop. @returns its exit code */
  stop(): Promise<number | null>
}

type Variables = Readonly<Record<string, string>>

/** `plinth start --prepare` in `folder` on a free port; resolves when it answers. */
export async function startApplication(folder: string, variables: Variables): Promise<Application> {
  const port = await freePort()
  const child = spawn(process.execPath, [program, 'start', '--prepare'], {
    cwd: folder,
    env: environment({ ...variables, API_PORT: String(port) }),
  })
  const exited = once(child, 'exit')
  let output = ''
  const listening = new Promise<void>((resolve, reject) => {
    const listen = (chunk: Buffer): void => {
      output += String(chunk)
      if (output.includes('is running')) resolve()
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    void exited.then(([code]) => reject(new Error(`The application ended with ${code}:\n${output}`)))
    setTimeout(() => reject(new Error(`The application did not start:\n${output}`)), startDeadlineMs).unref()
  })
  await listening
  return {
    url: `http://127.0.0.1:${port}`,
    output: () => output,
    async stop() {
      child.kill('SIGTERM')
      const [code] = (await exited) as [number | null]
      return code
    },
  }
}

/** One command in `folder`: what it printed and its exit code. */
export function runPlinth(folder: string, args: readonly string[], variables: Variables = {}): { output: string; status: number | null } {
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, ...args], {
    cwd: folder,
    env: environment(variables),
    encoding: 'utf8',
    timeout: commandDeadlineMs,
  })
  return { output: `${stdout}${stderr}`, status }
}

/** Nothing of the test run's own (`NODE_ENV=test` would choose another configuration). */
function environment(variables: Variables): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...variables }
}
