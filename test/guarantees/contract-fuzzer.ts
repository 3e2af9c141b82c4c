// Asks an application for everything its OpenAPI document allows and forbids, and compares the answers with the document.

import fc from 'fast-check'
import { type Contract, type Operation, readContract, type Schema } from './contract/document.ts'
import { replyProblems } from './contract/replies.ts'
import { allowedRequests, forbiddenRequests, type Request } from './contract/requests.ts'
import type { Known } from './contract/values.ts'
import { type Caller, describeCall, type Reply } from './support/caller.ts'

export interface FuzzOptions {
  /** Requests in all, about. */
  readonly requests: number
  readonly seed: number
  /** Looks at the same reply as well: one sentence for each thing that is wrong. */
  readonly alsoCheck?: (reply: Reply) => string[]
}

export interface FuzzReport {
  /** What is wrong, with the smallest request that shows it; each kind of fault of an operation once. */
  readonly findings: readonly string[]
  /** Answers by operation and status. */
  readonly answers: ReadonlyMap<string, ReadonlyMap<number, number>>
  readonly requests: number
}

/** Rounds in which what is known of the records is renewed: deletions leave little to be found. */
const rounds = 4

export async function fuzzContract(caller: Caller, options: FuzzOptions): Promise<FuzzReport> {
  const contract = readContract((await caller.send({ path: '/openapi.json' })).json() as Schema)
  const fuzzer = new Fuzzer(caller, contract, options)
  await fuzzer.checkMethods()
  for (let round = 0; round < rounds; round += 1) await fuzzer.round(round)
  return { findings: [...fuzzer.findings.values()], answers: fuzzer.answers, requests: fuzzer.requests }
}

class Fuzzer {
  readonly findings = new Map<string, string>()
  readonly answers = new Map<string, Map<number, number>>()
  requests = 0
  readonly #caller: Caller
  readonly #contract: Contract
  readonly #options: FuzzOptions

  constructor(caller: Caller, contract: Contract, options: FuzzOptions) {
    this.#caller = caller
    this.#contract = contract
    this.#options = options
  }

  /** Every method that the document does not have for an address is a 405 that lists those it has. */
  async checkMethods(): Promise<void> {
    const byPath = Map.groupBy(this.#contract.operations, ({ path }) => path)
    for (const [path, operations] of byPath) {
      const documented = operations.map(({ method }) => method as string)
      const others = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'TRACE'].filter((method) => !documented.includes(method))
      for (const method of others) await this.#checkMethod(method, path, documented)
    }
  }

  async #checkMethod(method: string, path: string, documented: readonly string[]): Promise<void> {
    const reply = await this.#caller.send({ method, path: path.replaceAll(/\{\w+\}/g, '1') })
    this.requests += 1
    const allowed = (reply.headers.allow ?? '').split(', ').filter((name) => name !== 'HEAD' && name !== 'OPTIONS')
    const isRight = reply.status === 405 && allowed.toSorted().join() === documented.toSorted().join()
    if (!isRight)
      this.findings.set(
        `${method} ${path}`,
        `${method} ${path}: ${reply.status}, Allow: ${String(reply.headers.allow)}, not 405 with ${documented.join(', ')}`,
      )
  }

  async round(round: number): Promise<void> {
    const { operations } = this.#contract
    const runs = Math.max(1, Math.round(this.#options.requests / rounds / operations.length / 2))
    const seed = this.#options.seed + round
    for (const operation of operations) {
      const known = await this.#knownFor(operation)
      await this.#search(allowedRequests(this.#contract, operation, known), runs, seed)
      const forbidden = forbiddenRequests(this.#contract, operation, known)
      if (forbidden !== undefined) await this.#search(forbidden, runs, seed)
    }
  }

  /** Sends requests until one shows a fault, then looks for the smallest that does. */
  async #search(requests: fc.Arbitrary<Request>, numRuns: number, seed: number): Promise<void> {
    const property = fc.asyncProperty(requests, async (request) => {
      const problems = await this.#problems(request)
      if (problems.length > 0) throw new Error(problems.join('; '))
    })
    const { failed, counterexample, errorInstance } = await fc.check(property, { numRuns, seed, interruptAfterTimeLimit: 60_000 })
    const [request] = counterexample ?? []
    if (!failed || request === undefined) return
    const problem = (errorInstance as Error | null)?.message ?? 'no answer'
    const kind = `${request.operation.id} ${request.kind} ${problem.replaceAll(/"[^"]*"|\d+/g, '').slice(0, 60)}`
    this.findings.set(kind, `${request.operation.id} (seed ${seed}): ${problem} ← ${describeCall(request.call)}`)
  }

  async #problems(request: Request): Promise<string[]> {
    const reply = await this.#caller.send(request.call)
    this.requests += 1
    const counts = this.answers.get(request.operation.id) ?? new Map<number, number>()
    this.answers.set(request.operation.id, counts.set(reply.status, (counts.get(reply.status) ?? 0) + 1))
    return [...replyProblems(this.#contract, request, reply), ...(this.#options.alsoCheck?.(reply) ?? [])]
  }

  async #knownFor({ path }: Operation): Promise<Known> {
    const collection = path.replace(/\/\{.*/, '')
    const deleted = path.endsWith('/restore') ? '&deleted=only' : ''
    return recordsOf(await this.#caller.send({ path: `${collection}?page[size]=20${deleted}` }))
  }
}

function recordsOf(reply: Reply): Record<string, unknown>[] {
  if (reply.status !== 200) return []
  const body = reply.json() as { readonly data?: unknown } | unknown[] | undefined
  const records = Array.isArray(body) ? body : body?.data
  return Array.isArray(records) ? (records as Record<string, unknown>[]) : []
}
