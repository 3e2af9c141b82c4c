// Requests in the name of callers: tests of policies say who asks, instead of signing in.

import type { App, Caller } from 'plinth'
import { anonymousCaller } from 'plinth'

export const header = 'x-test-caller'

export function user(id: number | string, more: Partial<Caller> = {}): Caller {
  return { ...anonymousCaller, kind: 'user', id: String(id), ...more }
}

/** Lets requests to `app` say by a header which of `callers` they come from; without it, from nobody. Before the first request. */
export function actAs(app: App, callers: { readonly [name: string]: Caller }): void {
  app.fastify.addHook('onRequest', (request, _reply, done) => {
    const name = request.headers[header]
    const caller = callers[String(name)]
    if (caller !== undefined && request.exchange !== null) request.exchange.caller = caller
    done()
  })
}
