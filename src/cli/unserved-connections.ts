// A connection that the primary has handed to a worker which died before it took it: Node forgets it, and its client waits for ever
// (Node 24.21, measured). It is handed to another worker, or closed where there is none.

import cluster, { type Worker } from 'node:cluster'

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

/** Looks after the connections of one worker; to be called as soon as it is forked. */
export function rescueConnections(worker: Worker): void {
  const pending = new Map<number, Handle>()
  const channel = worker.process
  const send = channel.send.bind(channel) as (...args: unknown[]) => boolean
  channel.send = (...args: unknown[]) => {
    const [message, handle] = args as [HandOver, Handle?]
    if (message.act === 'newconn' && message.seq !== undefined && handle !== undefined) pending.set(message.seq, handle)
    return send(...args)
  }
  channel.on('internalMessage', ({ ack }: HandOver) => void (ack !== undefined && pending.delete(ack)))
  // By now all that it has sent is read, so what is pending here it has not taken.
  channel.once('disconnect', () => {
    for (const [seq, handle] of pending) {
      // The refusal that a worker sends which has stopped listening.
      if (anotherListens(worker)) channel.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: seq, accepted: false })
      else handle.close()
    }
  })
}

function anotherListens(gone: Worker): boolean {
  return Object.values(cluster.workers ?? {}).some((worker) => worker !== undefined && worker !== gone && isListening(worker))
}

function isListening(worker: Worker): boolean {
  return (worker as Worker & { readonly state?: string }).state === 'listening' && worker.isConnected()
}
