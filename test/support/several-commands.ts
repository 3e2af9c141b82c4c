// Several command lines in one process, for tests of what they do: starting one is most of its time. Begun by `plinths` of cli.ts; what it
// prints is what each of them did.

import { main } from '../../src/cli/main.ts'

interface Finished {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const streams = ['stdout', 'stderr'] as const

async function finished(args: readonly string[]): Promise<Finished> {
  const said = { stdout: '', stderr: '' }
  const before = streams.map((name) => process[name].write)
  for (const name of streams)
    process[name].write = (chunk: string | Uint8Array): boolean => {
      said[name] += chunk.toString()
      return true
    }
  process.exitCode = 0
  await main(args).finally(() => streams.forEach((name, i) => (process[name].write = before[i] ?? process[name].write)))
  const code = process.exitCode
  process.exitCode = 0
  return { code, ...said }
}

/** Each command listens for closed pipes. */
for (const name of streams) process[name].setMaxListeners(0)
const done: Finished[] = []
for (const args of JSON.parse(process.argv[2] ?? '[]') as string[][]) done.push(await finished(args))
process.stdout.write(JSON.stringify(done))
