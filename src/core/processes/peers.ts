// The processes that serve one application on one machine, as one of them sees the others. Rooms that keep something in the process
// (copies of rows, revoked sessions) tell the others through the bus; `/metrics` and `/health/details` ask all of them.

import type { PeerAnswer } from './messages.ts'

/** Answers a question that one of the processes has asked; what it returns has to be JSON. */
export type Responder = (payload: unknown) => unknown

export interface Peers {
  /** Number of this process, from 1, unique among those that run. Undefined when there is only this one. */
  readonly worker: number | undefined
  /**
   * Asks every process, this one included.
   *
   * @returns the answers in order of the workers' numbers; a process that does not answer within a second has none
   */
  ask(question: string, payload?: unknown): Promise<readonly PeerAnswer[]>
  /** Sets how this process answers a question. One responder for each question. */
  respond(question: string, responder: Responder): void
}

/** How this process answers; a responder that throws is as good as none. */
export class Responders {
  readonly #byQuestion = new Map<string, Responder>()

  set(question: string, responder: Responder): void {
    this.#byQuestion.set(question, responder)
  }

  async answer(question: string, payload: unknown): Promise<unknown> {
    try {
      return await this.#byQuestion.get(question)?.(payload)
    } catch {
      return undefined
    }
  }
}

/** A process without others. */
export function noPeers(): Peers {
  const responders = new Responders()
  return {
    worker: undefined,
    ask: async (question, payload) => [{ worker: 1, answer: await responders.answer(question, payload) }],
    respond: (question, responder) => responders.set(question, responder),
  }
}
