// Messages between the processes of one machine, by channel. What Redis does between machines, for what is kept in the process when there
// is no Redis: through the primary, 40 us from one worker to all others and back (measured).

import type { Peers } from './peers.ts'

export interface Bus {
  /**
   * Runs the subscribers of every process, those of this one before it returns.
   *
   * @returns false when a process has not confirmed it within a second; it gets the message as soon as it comes to it
   */
  publish(channel: string, message: string): Promise<boolean>
  /** @returns what ends the subscription */
  subscribe(channel: string, onMessage: (message: string) => void): () => void
}

interface Published {
  readonly channel: string
  readonly message: string
}

/** One for each `peers`. */
export function createBus(peers: Peers): Bus {
  const subscribers = new Map<string, Set<(message: string) => void>>()
  const deliver = ({ channel, message }: Published): boolean => {
    for (const onMessage of subscribers.get(channel) ?? []) onMessage(message)
    return true
  }
  peers.respond('bus', (payload) => deliver(payload as Published))
  return {
    async publish(channel, message) {
      const answers = await peers.ask('bus', { channel, message })
      return answers.every(({ answer }) => answer === true)
    },
    subscribe(channel, onMessage) {
      const own = subscribers.get(channel) ?? new Set()
      subscribers.set(channel, own.add(onMessage))
      return () => void own.delete(onMessage)
    },
  }
}
