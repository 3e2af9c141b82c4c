// Starts `http-process.ts` and tells its port; ends it with the test.

import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { watchOutput } from './watched-logs.ts'

export interface ChildServer {
  readonly port: number
  readonly child: ChildProcess
  /** Everything printed so far. */
  output(): string
  /** The exit code, once there is one. */
  readonly exited: Promise<number | null>
}

export async function startChildServer(settings: Record<string, string> = {}): Promise<ChildServer> {
  const script = join(import.meta.dirname, 'http-process.ts')
  const child = spawn(
    process.execPath,
    ['--conditions=source', script, ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const chunks: string[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk.toString()))
  child.once('close', () => watchOutput(chunks.join('')))
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const port = await new Promise<number>((resolve, reject) => {
    const look = (): void => {
      const found = /^port (\d+)$/m.exec(chunks.join(''))
      if (found !== null) resolve(Number(found[1]))
    }
    child.stdout.on('data', look)
    void exited.then((code) => reject(new Error(`The server ended with ${code}: ${chunks.join('')}`)))
  })
  return { port, child, output: () => chunks.join(''), exited }
}
