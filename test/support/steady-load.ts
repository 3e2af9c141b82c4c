// Clients that read and write without a pause, half of them on connections that they keep, and count what goes wrong.

import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export interface LoadResult {
  readonly requests: number
  /** One line for each request that was not answered as it should. */
  readonly failures: readonly string[]
}

export interface SteadyLoad {
  readonly requests: () => number
  stop(): Promise<LoadResult>
}

export interface LoadOptions {
  readonly lanes?: number
  /** Of each lane between two requests; two numbers: anything between them. */
  readonly pauseMs?: number | readonly [number, number]
  /** Where reads and writes go. */
  readonly readPath?: string
  readonly writePath?: string
}

const deadlineMs = 10_000

/** Three reads to each write. The writes make records of the items example. */
export function steadyLoad(port: number, options: LoadOptions = {}): SteadyLoad {
  const { lanes = 8, pauseMs = 5, readPath = '/api/items?page[size]=5', writePath = '/api/items' } = options
  const failures: string[] = []
  let requests = 0
  let going = true
  const lane = async (keepAlive: boolean): Promise<void> => {
    const agent = new Agent({ keepAlive, maxSockets: 1 })
    while (going) {
      requests += 1
      const isWrite = requests % 4 === 0
      const failure = await send(port, agent, isWrite ? writePath : readPath, isWrite)
      if (failure !== undefined) failures.push(`${keepAlive ? 'kept' : 'new'} ${isWrite ? 'POST' : 'GET'}: ${failure}`)
      await sleep(typeof pauseMs === 'number' ? pauseMs : pauseMs[0] + Math.random() * (pauseMs[1] - pauseMs[0]))
    }
    agent.destroy()
  }
  const all = Promise.all(Array.from({ length: lanes }, (_, index) => lane(index % 2 === 0)))
  return {
    requests: () => requests,
    async stop() {
      going = false
      await all
      return { requests, failures }
    },
  }
}

/** @returns what went wrong */
function send(port: number, agent: Agent, path: string, isWrite: boolean): Promise<string | undefined> {
  const body = isWrite ? Buffer.from('{"name":"load"}') : undefined
  const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length }
  return new Promise((resolve) => {
    const outgoing = request({ host: '127.0.0.1', port, agent, path, method: isWrite ? 'POST' : 'GET', headers }, (incoming) => {
      let text = ''
      incoming.on('data', (chunk: Buffer) => (text += chunk.toString()))
      incoming.on('error', (error: Error) => resolve(error.message))
      incoming.on('end', () =>
        resolve(incoming.statusCode === (isWrite ? 201 : 200) ? undefined : `${incoming.statusCode} ${text.slice(0, 200)}`),
      )
    })
    outgoing.setTimeout(deadlineMs, () => outgoing.destroy(new Error(`no answer within ${deadlineMs} ms`)))
    outgoing.on('error', (error: Error) => resolve(error.message))
    outgoing.end(body)
  })
}
