// Where the databases of tests are made: the server that is configured, else the embedded one of the project.

import { loadConfig } from '../core/env.ts'
import { startEmbedded } from '../db/embedded/start.ts'

export interface TestServer {
  readonly url: string
  stop(): Promise<void>
}

export interface TestServerOptions {
  readonly url?: string
  readonly root?: string
}

/** An embedded server that runs already, because the application or another test file uses it, is joined and left running. */
export async function openTestServer({ url, root = process.cwd() }: TestServerOptions): Promise<TestServer> {
  const known = url ?? loadConfig(root).database.url
  return known === undefined ? startEmbedded({ root }) : { url: known, stop: async () => {} }
}

/**
 * Keeps the embedded server running from the first test file to the last, so that not every file starts it: for `globalSetup` of
 * vitest. Does nothing where `DATABASE_URL` is set.
 *
 * @returns  what to call at the end
 * @example  `export { holdTestServer as default } from 'plinth/testing'`
 */
export async function holdTestServer(): Promise<() => Promise<void>> {
  const { stop } = await openTestServer({})
  return stop
}
