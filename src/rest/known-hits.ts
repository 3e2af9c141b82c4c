// Fenced hits ahead of the router: Redis is asked there, and when it says what it said before, the answer of before is sent once more.

import type { IncomingMessage } from 'node:http'
import type { Entry } from '../cache/entry.ts'
import { type AheadRead, type CachedRead, type Fill, isFencedRead } from '../cache/read.ts'
import type { HttpReply, HttpRequest } from '../http/route.ts'
import { isSameForAll } from '../resource/access/same-for-all.ts'
import type { RestResource } from './rest-resource.ts'

export interface KnownHits {
  /** What Redis has said to a request before it came here; to be gone on with, so that it is not asked twice. */
  ahead(request: HttpRequest): AheadRead | undefined
  /** Lets a hit that was just sent be sent to its address without coming here, as long as Redis has the same. */
  keep(request: HttpRequest, reply: HttpReply, read: CachedRead | undefined, entry: Entry | undefined, fill: Fill): void
}

export function knownHits({ engine: { cache }, resource, known }: RestResource): KnownHits {
  const isForAll = isSameForAll(resource)
  const others = new WeakMap<IncomingMessage, AheadRead>()
  return {
    ahead: ({ raw }) => others.get(raw),
    keep(request, reply, read, entry, fill) {
      if (!isForAll || cache === undefined || read === undefined || entry === undefined || !isFencedRead(read)) return
      const isRight = async (raw: IncomingMessage): Promise<boolean> => {
        const ahead = await cache.readAhead(read)
        if (ahead !== undefined && ahead.entry !== entry) others.set(raw, ahead)
        return ahead?.entry === entry
      }
      known.keep(request, reply, entry.body, { isRight, sent: () => cache.gaveHit(read, entry, fill) })
    },
  }
}
