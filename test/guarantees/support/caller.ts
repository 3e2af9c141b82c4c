// A client on real sockets that sends exactly what it is told, and keeps its connections.

import { Agent, request, type IncomingHttpHeaders } from 'node:http'

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly elapsedMs: number
  /** The body as JSON; undefined when it says it is something else. */
  json(): unknown
}

export interface Call {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON unless it is text or bytes; then as it is, with the content type of JSON unless `headers` say otherwise. */
  readonly body?: unknown
}

export interface Caller {
  readonly port: number
  send(call: Call): Promise<Reply>
  close(): void
}

const deadlineMs = 20_000

/** @param connections  most that are open at a time */
export function callerOf(port: number, connections = 16): Caller {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  return { port, send: (call) => send(port, agent, call), close: () => agent.destroy() }
}

function send(port: number, agent: Agent, { method = 'GET', path, headers = {}, body }: Call): Promise<Reply> {
  const bytes = bytesOf(body)
  const own = bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(bytes.length) }
  const start = performance.now()
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, agent, method, path, headers: { ...own, ...headers } }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () =>
        resolve(replyOf(incoming.statusCode ?? 0, incoming.headers, Buffer.concat(chunks), performance.now() - start)),
      )
    })
    outgoing.setTimeout(deadlineMs, () =>
      outgoing.destroy(new Error(`${method} ${path.slice(0, 200)} had no answer within ${deadlineMs} ms.`)),
    )
    outgoing.on('error', reject)
    outgoing.end(bytes)
  })
}

/** A request in one line, for messages. */
export function describeCall({ method = 'GET', path, body }: Call): string {
  const text = bytesOf(body)?.toString('latin1', 0, 300) ?? ''
  return `${method} ${path} ${text}`.trim().slice(0, 600)
}

function bytesOf(body: unknown): Buffer | undefined {
  if (body === undefined || Buffer.isBuffer(body)) return body
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}

function replyOf(status: number, headers: IncomingHttpHeaders, bytes: Buffer, elapsedMs: number): Reply {
  const text = bytes.toString()
  const isJson = /[/+]json\b/.test(headers['content-type'] ?? '')
  return { status, headers, text, elapsedMs, json: () => (isJson && text !== '' ? (JSON.parse(text) as unknown) : undefined) }
}

/** Does `work` for every item, at most `lanes` at a time. */
export async function inLanes<item>(items: Iterable<item>, lanes: number, work: (item: item) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]()
  const lane = async (): Promise<void> => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}
