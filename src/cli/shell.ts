// The shell: Node's own prompt with `app`, `db` and every resource at hand. In a sandbox all of it is one transaction
// that never commits. Lines that are piped in run one after the other.

import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type REPLServer, start } from 'node:repl'
import { PassThrough } from 'node:stream'
import { type App, createApp } from '../app/create.ts'
import { loadApp } from './load-app.ts'
import { note } from './output.ts'

export async function openShell(sandbox: boolean): Promise<void> {
  const { definition, config, root } = await loadApp()
  const app = await createApp(definition, { ...config, log: { ...config.log, level: 'error' } })
  const converse = (): Promise<void> => (process.stdin.isTTY ? prompt(app, root) : runLines(app))
  try {
    await (sandbox ? inSandbox(app, converse) : converse())
  } finally {
    await app.stop()
  }
}

class EndOfSandbox extends Error {}

/** Runs `work` in a transaction that is rolled back whatever happens. */
async function inSandbox(app: App, work: () => Promise<void>): Promise<void> {
  const sandbox = app.db.transaction(async () => {
    // Somebody who thinks holds nobody up here; ten seconds of it would end the session.
    await app.db.query('set local idle_in_transaction_session_timeout = 0')
    await work()
    throw new EndOfSandbox()
  })
  await sandbox.catch((error: unknown) => {
    if (!(error instanceof EndOfSandbox)) throw error
    note('Everything was rolled back.')
  })
}

async function prompt(app: App, root: string): Promise<void> {
  const names = [...app.engine.registry.resources.keys()]
  note(`Here are app, db and ${names.join(', ')}. Try: await ${names[0] ?? 'app'}.list()`)
  const repl = start({ prompt: `${app.name}> ` })
  furnish(repl, app)
  await mkdir(join(root, '.plinth'), { recursive: true })
  repl.setupHistory({ filePath: join(root, '.plinth', 'shell_history') }, () => {})
  await once(repl, 'exit')
}

/** Node's prompt reads on while a line still awaits something; this hands it the next line when the last is answered. A failed line fails the command. */
async function runLines(app: App): Promise<void> {
  const input = new PassThrough()
  const repl = start({ prompt: '', input, output: process.stdout, terminal: false, ignoreUndefined: true })
  furnish(repl, app)
  const exited = once(repl, 'exit')
  for await (const line of createInterface({ input: process.stdin })) {
    const { promise, resolve } = Promise.withResolvers<void>()
    repl.displayPrompt = () => resolve() // what it calls after every line, also after one that goes on
    input.write(`${line}\n`)
    await Promise.race([promise, exited])
  }
  input.end()
  await exited
  if (Reflect.get(repl.context, '_error') !== undefined) process.exitCode = 1
}

function furnish(repl: REPLServer, app: App): void {
  const resources = [...app.engine.registry.resources.keys()].map((name) => [name, app.resource(name)] as const)
  Object.assign(repl.context, Object.fromEntries(resources), { app, db: app.db })
  keepContext(repl)
}

/** Lines come from outside of the transaction's asynchronous context; this brings each of them back into it. */
function keepContext(repl: REPLServer): void {
  const inContext = AsyncLocalStorage.snapshot()
  const evaluate = repl.eval
  Object.assign(repl, {
    eval: (...args: Parameters<typeof evaluate>) => inContext(() => evaluate.apply(repl, args)),
  })
}
