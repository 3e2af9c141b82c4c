// Reads of the database, at most one under way for each key and at most one waiting for it. Who comes while one is under way does not
// join it, because that one may have read before a write that this caller knows of: it shares the next with all others who wait.

interface Flight<value> {
  readonly running: Promise<value>
  next?: Promise<value>
}

export class NextFlights<value> {
  readonly #flights = new Map<string, Flight<value>>()

  /** The result of a read that began after this call. `read` may be that of another caller with the same key. */
  load(key: string, read: () => Promise<value>): Promise<value> {
    const flight = this.#flights.get(key)
    if (flight === undefined) return this.#start(key, read)
    flight.next ??= flight.running.then(nothing, nothing).then(() => this.#start(key, read))
    return flight.next
  }

  #start(key: string, read: () => Promise<value>): Promise<value> {
    const flight: Flight<value> = { running: this.#run(key, read) }
    this.#flights.set(key, flight)
    return flight.running
  }

  async #run(key: string, read: () => Promise<value>): Promise<value> {
    try {
      return await read()
    } finally {
      if (this.#flights.get(key)?.next === undefined) this.#flights.delete(key)
    }
  }
}

function nothing(): void {}
