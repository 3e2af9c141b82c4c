// Clients read what they have written, also from a replica and through another process: an answer to a write says how far a replica
// must be (`X-Read-After`), and the client's next requests say it back, by the same header or by the cookie that a browser sends by itself.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Database } from '../db/database.ts'

const header = 'x-read-after'
const cookie = /(?:^|;\s*)plinth_read_after=([\w-]+)/

/** @param secure  true when clients reach us by https alone, so that the cookie travels by nothing else */
export function addReadAfter(app: FastifyInstance, db: Database, secure: boolean): void {
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.exchange !== null) request.exchange.readAfter = toldBy(request)
    done()
  })
  app.addHook('onSend', async (request, reply, payload) => {
    const token = request.exchange?.lastWrite === undefined ? undefined : await db.readAfter()
    if (token !== undefined) tell(reply, token, attributes)
    return payload
  })
}

function toldBy({ headers }: FastifyRequest): string | undefined {
  const told = headers[header] ?? cookie.exec(headers.cookie ?? '')?.[1]
  return Array.isArray(told) ? told.join() : told
}

/** A cookie without an end: as long as the browser is open no read of it can be older than what it wrote. */
function tell(reply: FastifyReply, token: string, attributes: string): void {
  reply.header(header, token)
  reply.header('set-cookie', `plinth_read_after=${token}; ${attributes}`)
}
