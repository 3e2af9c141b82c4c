// One keep-alive connection on a bare socket, one request at a time: several times cheaper than an HTTP client, so that on a machine with
// two cores the processes under test get the time. Answers must have a Content-Length, as all of ours have.

import { connect, type Socket } from 'node:net'

export interface Answer {
  readonly status: number
  /** `X-Cache`, if there was one. */
  readonly cache: string | undefined
  readonly body: string
}

/** The connection was lost or the server said nothing for too long: whether the request was executed, nobody knows. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

interface Waiting {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: NoAnswer) => void
  readonly timer: NodeJS.Timeout
}

export class HttpConnection {
  readonly #socket: Socket
  readonly #deadlineMs: number
  #waiting: Waiting | undefined
  #received: Buffer = Buffer.alloc(0)

  private constructor(socket: Socket, deadlineMs: number) {
    this.#socket = socket
    this.#deadlineMs = deadlineMs
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', () => undefined) // `close` follows
    socket.on('close', () => this.#fail('The connection was closed.'))
  }

  /** @throws Error of the system when nobody listens */
  static open(port: number, deadlineMs: number): Promise<HttpConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new HttpConnection(socket, deadlineMs))
      })
    })
  }

  get isOpen(): boolean {
    return this.#socket.readyState === 'open'
  }

  /**
   * @param body  JSON
   * @throws NoAnswer
   */
  send(method: string, path: string, body = ''): Promise<Answer> {
    const about = body === '' ? '' : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(`No answer within ${this.#deadlineMs} ms.`), this.#deadlineMs)
      this.#waiting = { resolve, reject, timer }
      this.#socket.write(`${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${about}\r\n${body}`)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    const answer = parse(this.#received)
    if (answer === undefined) return
    this.#received = Buffer.alloc(0)
    this.#settle()?.resolve(answer)
  }

  #fail(reason: string): void {
    this.#socket.destroy()
    this.#settle()?.reject(new NoAnswer(reason))
  }

  #settle(): Waiting | undefined {
    const waiting = this.#waiting
    this.#waiting = undefined
    clearTimeout(waiting?.timer)
    return waiting
  }
}

/** Undefined while something is missing. */
function parse(bytes: Buffer): Answer | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const head = bytes.toString('latin1', 0, end)
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
  if (bytes.length < end + 4 + length) return undefined
  const cache = /\r\nx-cache: ([a-z]+)/i.exec(head)?.[1]
  return { status: Number(head.slice(9, 12)), cache, body: bytes.toString('utf8', end + 4) }
}
