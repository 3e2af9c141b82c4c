// The processes of the application: started, killed without warning, started again on the same port.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'

const script = join(import.meta.dirname, 'app/process.ts')
/** Much more than it takes, but on a machine that is busy with other things. */
const startDeadlineMs = 120_000

export interface AppProcess {
  readonly port: number
  /** SIGKILL. */
  kill(): Promise<void>
  /** SIGSTOP and SIGCONT. */
  pause(): void
  resume(): void
  /** Again, on the same port. */
  start(): Promise<void>
}

/**
 * @param settings  by variable name
 * @param log       file that what it complains about is added to
 */
export async function startProcess(settings: Readonly<Record<string, string>>, log: string): Promise<AppProcess> {
  let port = 0
  let child: ChildProcess | undefined
  const start = async (): Promise<void> => {
    const launched = launch({ API_PORT: String(port), ...settings }, log)
    child = launched
    port = await portOf(launched).catch(async (error: unknown) => {
      await end(launched)
      throw error
    })
  }
  await start()
  return {
    get port() {
      return port
    },
    start,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async kill() {
      if (child !== undefined) await end(child)
    },
  }
}

function launch(settings: Readonly<Record<string, string>>, log: string): ChildProcess {
  const child = fork(
    script,
    Object.entries(settings).map(([name, value]) => `${name}=${value}`),
    { execArgv: ['--conditions=source'], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  )
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => appendFileSync(log, chunk))
  return child
}

async function portOf(child: ChildProcess): Promise<number> {
  const signal = AbortSignal.timeout(startDeadlineMs)
  const ended = once(child, 'exit', { signal }).then(([code]) => Promise.reject(new Error(`The application ended with ${code}.`)))
  ended.catch(() => undefined)
  const [message] = (await Promise.race([once(child, 'message', { signal }), ended])) as [{ readonly port: number }]
  return message.port
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}
