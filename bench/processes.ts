// The processes of a run: servers under test and the load generator. Each answers one message at a time.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { freePort } from '../test/support/postgres-server.ts'
import type { LoadOrder, LoadReport } from './load.ts'
import type { Question, Usage } from './servers/serve.ts'

export type ServerName = 'plinth' | 'node-http' | 'fastify-drizzle' | 'express-sequelize'

/** The order in which they take turns. */
export const serverNames: readonly ServerName[] = ['plinth', 'node-http', 'fastify-drizzle', 'express-sequelize']

const startDeadlineMs = 30_000
const answerDeadlineMs = 120_000

export interface Server {
  readonly name: ServerName
  readonly port: number
  ask(question: Question): Promise<Usage>
  stop(): Promise<void>
}

export interface Generator {
  load(order: LoadOrder): Promise<LoadReport>
  stop(): Promise<void>
}

export function serverScript(name: ServerName): string {
  return join(import.meta.dirname, 'servers', `${name}.ts`)
}

/** @param folder  for what the server writes */
export async function startServer(name: ServerName, databaseUrl: string, folder: string): Promise<Server> {
  return { name, ...(await startScript(serverScript(name), [databaseUrl, folder])) }
}

/** @param args  its first is followed by the port: `settings()` reads them */
export async function startScript(script: string, [databaseUrl = '', ...args]: readonly string[]): Promise<Omit<Server, 'name'>> {
  const port = await freePort()
  const child = await start(script, [databaseUrl, String(port), ...args])
  return { port, ask: (question) => tell<Usage>(child, question), stop: () => stop(child) }
}

export async function startGenerator(): Promise<Generator> {
  const child = await start(join(import.meta.dirname, 'load.ts'), [])
  return { load: (order) => tell<LoadReport>(child, order), stop: () => stop(child) }
}

/** What a server prints is thrown away, as a service manager would read it elsewhere; what it complains about is shown. */
async function start(script: string, args: readonly string[]): Promise<ChildProcess> {
  const child = fork(script, args, {
    execArgv: ['--conditions=source', '--expose-gc'],
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await answer(child, script, startDeadlineMs)
  return child
}

async function tell<reply>(child: ChildProcess, message: Question | LoadOrder): Promise<reply> {
  const reply = answer(child, JSON.stringify(message), answerDeadlineMs)
  child.send(message)
  return (await reply) as reply
}

async function answer(child: ChildProcess, what: string, deadlineMs: number): Promise<unknown> {
  const done = new AbortController()
  const signal = AbortSignal.any([done.signal, AbortSignal.timeout(deadlineMs)])
  const reply = once(child, 'message', { signal }).then(([message]: unknown[]) => message)
  const exit = once(child, 'exit', { signal }).then(([code]) => Promise.reject(new Error(`The process ended with ${code}: ${what}`)))
  try {
    return await Promise.race([reply, exit])
  } finally {
    done.abort()
    await Promise.allSettled([reply, exit])
  }
}

/** They have nothing to lose, and Plinth's own stop waits for load balancers to look away. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}
