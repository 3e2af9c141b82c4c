// First in, first out, without moving what stays: `Array.prototype.shift` copies the rest once a queue is long.

import type { ReadTask } from './read-task.ts'

/** Slots freed at the front before the array is cut. */
const slack = 256

export class TaskQueue implements Iterable<ReadTask> {
  #tasks: (ReadTask | undefined)[] = []
  #head = 0

  get size(): number {
    return this.#tasks.length - this.#head
  }

  /** The oldest. */
  get head(): ReadTask | undefined {
    return this.#tasks[this.#head]
  }

  push(task: ReadTask): void {
    this.#tasks.push(task)
  }

  shift(): ReadTask | undefined {
    const task = this.#tasks[this.#head]
    if (task === undefined) return undefined
    this.#tasks[this.#head] = undefined
    this.#head += 1
    if (this.#head === this.#tasks.length) this.#cut()
    else if (this.#head === slack) this.#cut()
    return task
  }

  /** Empties the queue. */
  takeAll(): ReadTask[] {
    const all = [...this]
    this.#tasks = []
    this.#head = 0
    return all
  }

  *[Symbol.iterator](): Iterator<ReadTask> {
    for (let index = this.#head; index < this.#tasks.length; index += 1) {
      const task = this.#tasks[index]
      if (task !== undefined) yield task
    }
  }

  #cut(): void {
    this.#tasks.splice(0, this.#head)
    this.#head = 0
  }
}
