// The shell: Node's own prompt with `app`, `db` and every resource at hand. In a sandbox all of it is one transaction
// that never commits.

import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { join } from 'node:path'
import { type REPLServer, start } from 'node:repl'
import { type App, createApp } from '../app/create.ts'
import { loadApp } from './load-app.ts'
import { print } from './output.ts'

export async function openShell(sandbox: boolean): Promise<void> {
  const { definition, config, root } = await loadApp()
  const app = await createApp(definition, config)
  try {
    await (sandbox ? inSandbox(app, () => prompt(app, root)) : prompt(app, root))
  } finally {
    await app.stop()
  }
}

class EndOfSandbox extends Error {}

/** Runs `work` in a transaction that is rolled back whatever happens. */
async function inSandbox(app: App, work: () => Promise<void>): Promise<void> {
  const sandbox = app.db.transaction(async () => {
    await work()
    throw new EndOfSandbox()
  })
  await sandbox.catch((error: unknown) => {
    if (!(error instanceof EndOfSandbox)) throw error
    print('Everything was rolled back.')
  })
}

async function prompt(app: App, root: string): Promise<void> {
  const resources = Object.fromEntries([...app.engine.registry.resources.keys()].map((name) => [name, app.resource(name)]))
  print(`app, db and the resources ${Object.keys(resources).join(', ')} are here. Try: await ${Object.keys(resources)[0] ?? 'app'}.list()`)
  const repl = start({ prompt: `${app.name}> `, useGlobal: false })
  keepContext(repl)
  Object.assign(repl.context, resources, { app, db: app.db })
  repl.setupHistory({ filePath: join(root, '.plinth', 'shell_history') }, () => {})
  await once(repl, 'exit')
}

/** Lines are typed outside of the transaction's asynchronous context; this brings each of them back into it. */
function keepContext(repl: REPLServer): void {
  const inContext = AsyncLocalStorage.snapshot()
  const evaluate = repl.eval
  Object.assign(repl, {
    eval: (...args: Parameters<typeof evaluate>) => inContext(() => evaluate.apply(repl, args)),
  })
}
