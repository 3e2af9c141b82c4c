// Several processes of the shop on one database, of which one at a time is killed and replaced, and clients that do not give up.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Call, Reply } from './caller.ts'
import { type ChildApp, startChildApp } from './child-app.ts'

export interface Fleet {
  /** Sends to one process after the other, again and again until an answer says what has become of the request. */
  insist(call: Call): Promise<Reply>
  /** Sends once, to process `index` modulo their number. */
  send(call: Call, index: number): Promise<Reply>
  /** SIGKILL for one process, and a new one in its place. */
  replaceOne(): Promise<void>
}

/** @param url  of a database that has the shop's tables */
export async function startFleet(url: string, size: number, settings: Record<string, string> = {}): Promise<Fleet> {
  const start = (): Promise<ChildApp> => startChildApp(url, settings, { program: 'shop-process.ts', connections: 32 })
  const members: (ChildApp | undefined)[] = await Promise.all(Array.from({ length: size }, start))
  let turn = 0
  let killed = 0
  const memberAt = (index: number): ChildApp => {
    const member = members[index % size]
    if (member === undefined) throw new Error('A fleet has at least one process.')
    return member
  }
  const send = (call: Call, index: number): Promise<Reply> => memberAt(index).send(call)
  return {
    send,
    async insist(call) {
      for (let tries = 0; tries < mostTries; tries++) {
        const reply = await send(call, turn++).catch(() => undefined)
        if (reply !== undefined && !isTemporary(reply)) return reply
        await sleep(pauseMs)
      }
      throw new Error(`${call.method} ${call.path} had no answer after ${mostTries} tries.`)
    },
    async replaceOne() {
      const index = killed++
      const member = memberAt(index)
      member.child.kill('SIGKILL')
      await member.exited
      members[index % size] = await start()
    },
  }
}

const mostTries = 1_000
const pauseMs = 20

/** Away, or the same request is being worked on: come back. */
function isTemporary(reply: Reply): boolean {
  return reply.status === 503 || (reply.status === 409 && reply.text.includes('IDEMPOTENCY_IN_PROGRESS'))
}
