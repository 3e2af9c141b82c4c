// A worker's end of the channel to the primary: what it is told to do, and the other workers behind it.

import { isOurs, type FromWorker, type PeerAnswer, type ToWorker, type WorkerFacts } from './messages.ts'
import { type Peers, type Responder, Responders } from './peers.ts'

/** The part of `process` that it uses. */
export interface Channel {
  readonly connected: boolean
  send?(message: unknown): boolean
  on(event: 'message', listener: (message: unknown) => void): unknown
}

/** `stop`: everything ends. `retire`: this process ends, the others serve on. */
export type Ending = 'stop' | 'retire'

export class PeerLink implements Peers {
  readonly worker: number
  readonly #channel: Channel
  readonly #responders = new Responders()
  readonly #asked = new Map<number, (answers: readonly PeerAnswer[]) => void>()
  readonly #ending = Promise.withResolvers<Ending>()
  #nextId = 1

  constructor(worker: number, channel: Channel = process) {
    this.worker = worker
    this.#channel = channel
    channel.on('message', (message) => {
      if (isOurs<ToWorker>(message)) this.#receive(message)
    })
  }

  /** What the primary has asked for first; it may have done so while the application was being made. */
  get ending(): Promise<Ending> {
    return this.#ending.promise
  }

  hello(facts: WorkerFacts): void {
    this.#send({ plinth: 'hello', facts })
  }

  ready(url: string): void {
    this.#send({ plinth: 'ready', url })
  }

  leaving(): void {
    this.#send({ plinth: 'leaving' })
  }

  async ask(question: string, payload?: unknown): Promise<readonly PeerAnswer[]> {
    const others = new Promise<readonly PeerAnswer[]>((resolve) => {
      const id = this.#nextId++
      this.#asked.set(id, resolve)
      if (!this.#send({ plinth: 'ask', id, question, payload })) this.#settle(id, [])
    })
    const answer = await this.#responders.answer(question, payload)
    return [{ worker: this.worker, answer }, ...(await others)].toSorted((a, b) => a.worker - b.worker)
  }

  respond(question: string, responder: Responder): void {
    this.#responders.set(question, responder)
  }

  #receive(message: ToWorker): void {
    if (message.plinth === 'question') void this.#answer(message.id, message.question, message.payload)
    else if (message.plinth === 'answers') this.#settle(message.id, message.answers)
    else this.#ending.resolve(message.plinth)
  }

  async #answer(id: number, question: string, payload: unknown): Promise<void> {
    this.#send({ plinth: 'answer', id, answer: await this.#responders.answer(question, payload) })
  }

  #settle(id: number, answers: readonly PeerAnswer[]): void {
    this.#asked.get(id)?.(answers)
    this.#asked.delete(id)
  }

  /** @returns false when there is nobody to send it to: the primary has gone, and this process ends any moment */
  #send(message: FromWorker): boolean {
    if (!this.#channel.connected) return false
    this.#channel.send?.(message)
    return true
  }
}
