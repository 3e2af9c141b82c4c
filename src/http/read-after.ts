// Clients read what they have written, also from a replica and through another process: an answer to a write says how far a replica
// must be (`X-Read-After`), and the client's next requests say it back, by the same header or by the cookie that a browser sends by itself.

import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Config } from '../core/config.ts'
import type { Database } from '../db/database.ts'
import { doubtMs } from '../db/replicas/writes.ts'

const header = 'x-read-after'
const cookie = /(?:^|;\s*)plinth_read_after=([\w-]+)/

export function addReadAfter(app: FastifyInstance, db: Database, { api, database }: Config): void {
  // Where clients reach us by https alone the cookie travels by nothing else.
  const attributes = `Path=/; HttpOnly; SameSite=Lax${api.url?.startsWith('https:') === true ? '; Secure' : ''}`
  const doubt = `; Max-Age=${Math.ceil((doubtMs(database) + database.replicaMaxLagMs) / 1_000)}`
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.exchange !== null) request.exchange.readAfter = readAfterOf(request.headers)
    done()
  })
  app.addHook('onSend', async (request, reply, payload) => {
    const token = request.exchange?.lastWrite === undefined ? undefined : await db.readAfter()
    if (token !== undefined) tell(reply, token, token === 'primary' ? attributes + doubt : attributes)
    return payload
  })
}

/** What the client has written so far, as it was told; undefined when it does not say. */
export function readAfterOf(headers: IncomingHttpHeaders): string | undefined {
  const told = headers[header] ?? cookie.exec(headers.cookie ?? '')?.[1]
  return Array.isArray(told) ? told.join() : told
}

/**
 * A cookie without an end: as long as the browser is open no read of it can be older than what it wrote. `primary` has one: when what
 * was in doubt can no longer happen and the slowest replica in use has caught up, it would only keep the browser away from replicas.
 */
function tell(reply: FastifyReply, token: string, attributes: string): void {
  reply.header(header, token)
  reply.header('set-cookie', `plinth_read_after=${token}; ${attributes}`)
}
