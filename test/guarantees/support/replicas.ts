// Two processes' worth of one application whose users sign in: each with its own pools, caches and memory, on one database and one Redis.
// Both listen on sockets, behind a proxy that they trust, so that a client can be at any address.

import { createApp, type App } from '../../../src/app/create.ts'
import type { TestApp } from '../../../src/testing/test-app.ts'
import { identityApp } from '../../support/identity-app.ts'
import { testDatabase } from '../../support/postgres.ts'
import { type Call, type Caller, callerOf, type Reply } from './caller.ts'
import { neverOverloaded } from './child-app.ts'

export interface Replicas {
  readonly test: TestApp
  readonly apps: readonly [App, App]
  /** To one of the two, in turn unless it says which, from an address. */
  send(call: Call, from: { readonly address: string; readonly replica?: number }): Promise<Reply>
  close(): Promise<void>
}

export async function startReplicas(environment: Record<string, string> = {}): Promise<Replicas> {
  const settings = { API_HOST: '127.0.0.1', TRUSTED_PROXIES: '127.0.0.1', ...neverOverloaded, ...environment }
  const test = await identityApp(testDatabase().url, {}, { environment: settings })
  const other = await createApp(test.app.definition, test.app.config)
  const apps = [test.app, other] as const
  const callers: Caller[] = []
  for (const app of apps) callers.push(callerOf(Number(new URL((await app.start()).url).port), 32))
  let turn = 0
  return {
    test,
    apps,
    send(call, { address, replica = turn++ }) {
      const caller = callers[replica % callers.length]
      if (caller === undefined) throw new Error('There are two replicas.')
      return caller.send({ ...call, headers: { 'x-forwarded-for': address, ...call.headers } })
    },
    async close() {
      for (const caller of callers) caller.close()
      await other.stop()
      await test.close()
    },
  }
}
