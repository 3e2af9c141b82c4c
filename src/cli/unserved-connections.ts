// A connection that the primary has handed to a worker which died before it took it: Node waits for the worker's word for ever, and so does
// the client (Node 24.21, measured: `disconnect` never comes, because the channel is kept open for the connection). It is handed to another
// worker, or closed where there is none.

import cluster, { type Worker } from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'

/** What node:cluster sends through `send` and `internalMessage`, as far as it matters here. */
interface HandOver {
  readonly act?: string
  readonly seq?: number
  /** The `seq` of a message that this one answers. */
  readonly ack?: number
}

interface Handle {
  close(): void
}

type Pending = Map<number, Handle>

const channelPollMs = 5
const channelMs = 1_000

/** Looks after the connections of one worker; to be called as soon as it is forked. */
export function rescueConnections(worker: Worker): void {
  const pending: Pending = new Map()
  const channel = worker.process
  const send = channel.send.bind(channel) as (...args: unknown[]) => boolean
  channel.send = (...args: unknown[]) => {
    const [message, handle] = args as [HandOver, Handle?]
    if (message.act === 'newconn' && message.seq !== undefined && handle !== undefined) pending.set(message.seq, handle)
    return send(...args)
  }
  channel.on('internalMessage', ({ ack }: HandOver) => void (ack !== undefined && pending.delete(ack)))
  channel.once('exit', () => void handBack(worker, pending))
}

async function handBack(worker: Worker, pending: Pending): Promise<void> {
  const channel = worker.process
  // The last words of the worker may have to be read yet; what is pending after them it has not taken.
  for (let waited = 0; channel.connected && waited < channelMs; waited += channelPollMs) await sleep(channelPollMs)
  // Where it does not come by itself: makes cluster forget the worker, which it would choose for the next connection otherwise.
  if (isKnown(worker)) channel.emit('disconnect')
  for (const [seq, handle] of pending) {
    // The refusal of a worker that has stopped listening.
    if (anotherListens(worker)) channel.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: seq, accepted: false })
    else handle.close()
  }
}

function isKnown(worker: Worker): boolean {
  return Object.values(cluster.workers ?? {}).includes(worker)
}

function anotherListens(gone: Worker): boolean {
  return Object.values(cluster.workers ?? {}).some((worker) => worker !== undefined && worker !== gone && isListening(worker))
}

function isListening(worker: Worker): boolean {
  return (worker as Worker & { readonly state?: string }).state === 'listening' && worker.isConnected() && !worker.isDead()
}
