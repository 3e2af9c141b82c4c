// The primary's end of all channels: passes a question of one worker on to the others and brings the answers back.

import type { FromWorker, PeerAnswer, ToWorker } from './messages.ts'
import { type Responder, Responders } from './peers.ts'

/** A worker that can be told something. */
export interface Line {
  readonly number: number
  send(message: ToWorker): void
}

type Ask = Extract<FromWorker, { plinth: 'ask' }>

interface Question {
  readonly asker: Line
  /** As the asker numbered it. */
  readonly id: number
  readonly waiting: Set<Line>
  readonly answers: PeerAnswer[]
  readonly late: NodeJS.Timeout
}

/** Longest wait for an answer. */
const answerMs = 1_000

export class Switchboard {
  readonly #lines = new Set<Line>()
  readonly #questions = new Map<number, Question>()
  readonly #responders = new Responders()
  #nextId = 1

  connect(line: Line): void {
    this.#lines.add(line)
  }

  /** Nobody waits any longer for a worker that has gone. */
  disconnect(line: Line): void {
    this.#lines.delete(line)
    for (const [id, question] of this.#questions) if (question.waiting.delete(line)) this.#finishIfComplete(id, question)
  }

  /** How the primary itself answers, as number 0. */
  respond(question: string, responder: Responder): void {
    this.#responders.set(question, responder)
  }

  receive(line: Line, message: FromWorker): void {
    if (message.plinth === 'ask') void this.#ask(line, message)
    if (message.plinth === 'answer') this.#take(line, message.id, message.answer)
  }

  async #ask(asker: Line, { id, question, payload }: Ask): Promise<void> {
    const own = this.#nextId++
    const others = [...this.#lines].filter((line) => line !== asker)
    const late = setTimeout(() => this.#finish(own), answerMs)
    const asked: Question = { asker, id, waiting: new Set(others), answers: [], late }
    this.#questions.set(own, asked)
    for (const line of others) line.send({ plinth: 'question', id: own, question, payload })
    const answer = await this.#responders.answer(question, payload)
    if (answer !== undefined) asked.answers.push({ worker: 0, answer })
    this.#finishIfComplete(own, asked)
  }

  #take(line: Line, id: number, answer: unknown): void {
    const question = this.#questions.get(id)
    if (question === undefined || !question.waiting.delete(line)) return
    question.answers.push({ worker: line.number, answer })
    this.#finishIfComplete(id, question)
  }

  #finishIfComplete(id: number, { waiting }: Question): void {
    if (waiting.size === 0) this.#finish(id)
  }

  #finish(id: number): void {
    const question = this.#questions.get(id)
    if (question === undefined) return
    this.#questions.delete(id)
    clearTimeout(question.late)
    const silent = [...question.waiting].map(({ number }) => ({ worker: number }))
    question.asker.send({ plinth: 'answers', id: question.id, answers: [...question.answers, ...silent] })
  }
}
