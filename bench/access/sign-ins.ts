// How long others wait while passwords are hashed: the health of a server, asked without a pause on one connection.

import { Agent, request, type RequestOptions } from 'node:http'
import type { Credentials } from './users.ts'
import { password } from './users.ts'

export interface SignIns {
  readonly count: number
  /** From the first to the last answer. */
  readonly seconds: number
  /** Milliseconds, the ninety-ninth of a hundred: without sign-ins, and beside them. */
  readonly quietP99: number
  readonly busyP99: number
  readonly healthRequests: number
  /** Told 503, because they would have waited for more than five seconds: on a machine that has no time. */
  readonly refused: number
}

const signInCount = 50

/** @throws Error when one of the sign-ins is answered with anything but tokens or 503 */
export async function measureSignIns(port: number, users: readonly Credentials[]): Promise<SignIns> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  try {
    const quiet = await healthUntil(port, agent, new Promise((resolve) => setTimeout(resolve, 1_000)))
    const startedAt = performance.now()
    const signIns = Promise.all(Array.from({ length: signInCount }, (_, nth) => signIn(port, nth, users[nth % users.length])))
    const busy = await healthUntil(port, agent, signIns)
    return {
      count: signInCount,
      seconds: (performance.now() - startedAt) / 1_000,
      quietP99: p99(quiet),
      busyP99: p99(busy),
      healthRequests: busy.length,
      refused: (await signIns).filter((status) => status === 503).length,
    }
  } finally {
    agent.destroy()
  }
}

/** Each from a network of its own, as users have: of one, few wait at once. */
async function signIn(port: number, nth: number, user: Credentials | undefined): Promise<number> {
  const headers = { 'content-type': 'application/json', 'x-forwarded-for': `10.${nth + 1}.0.1` }
  const body = JSON.stringify({ email: user?.email, password, mode: 'token' })
  const status = await ask({ port, path: '/auth/sign-in', method: 'POST', headers }, body)
  if (status !== 200 && status !== 503) throw new Error(`A sign-in was answered with ${status}.`)
  return status
}

async function healthUntil(port: number, agent: Agent, end: Promise<unknown>): Promise<number[]> {
  let isOver = false
  const over = end.finally(() => (isOver = true))
  const waits: number[] = []
  while (!isOver) {
    const startedAt = performance.now()
    await ask({ port, path: '/health', agent })
    waits.push(performance.now() - startedAt)
  }
  await over
  return waits
}

function ask(options: RequestOptions, body?: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', ...options }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode))
    })
    asked.on('error', reject).end(body)
  })
}

function p99(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN
}
