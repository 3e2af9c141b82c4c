// What the running processes answer to `plinth cache …`: what they have, why, and that they have dropped it. Who asks knows the secret.

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Cache, CacheStats } from '../cache/cache.ts'
import type { Explanation, Lookup } from '../cache/explain.ts'
import { AppError } from '../core/errors.ts'
import type { HealthReport } from '../core/module.ts'
import { isOperatorToken } from '../core/operator-token.ts'
import type { Peers } from '../core/processes/peers.ts'
import { httpErrors } from '../http/errors.ts'
import { type AddressedRead, type CachedRest, readAt } from '../rest/cached-address.ts'
import type { RedisServerInfo } from '../redis/redis.ts'
import { replyFormats } from '../rest/reply-format.ts'
import type { App } from './create.ts'

export const cacheDeskPath = '/health/cache'

/** What is asked for; `about` an address, or the key of an entry. */
export interface CacheRequest {
  readonly want: 'stats' | 'clear' | 'why'
  readonly about?: string
}

/** One of the processes; numbered when there are several. */
export interface FromProcess<answer> {
  readonly worker: number
  /** Undefined when it did not answer within a second. */
  readonly answer?: answer
}

export interface ProcessStats extends CacheStats {
  readonly pid: number
  /** Undefined when no resource is fenced. */
  readonly fenced?: HealthReport
}

export interface StatsAnswer {
  readonly processes: readonly FromProcess<ProcessStats>[]
  /** Empty without Redis, and when it cannot be reached. */
  readonly redis: readonly RedisServerInfo[]
}

export interface ClearAnswer {
  /** Entries that were in Redis. */
  readonly removed?: number
  /** Undefined without Redis. */
  readonly redisUsable?: boolean
}

export interface WhyAnswer {
  /** Of an address. */
  readonly resource?: string
  /** Why the read is not cached at all. */
  readonly uncached?: string
  readonly processes: readonly FromProcess<Explanation | Lookup>[]
}

/** The text that a token is made for. */
export function tokenText({ want, about = '' }: CacheRequest): string {
  return `cache ${want} ${about}`
}

/** Adds the route, and this process's answers to questions of the others. */
export function addCacheDesk(app: App, cache: Cache, peers: Peers): void {
  const desk = new Desk(app, cache, peers)
  peers.respond('cache', (question) => desk.own(question as CacheRequest))
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const asked = requestIn(request.body)
    const token = request.headers.authorization?.replace(/^Operator /, '') ?? ''
    if (asked === undefined || !isOperatorToken(app.config.secrets.secretKey, tokenText(asked), token)) throw httpErrors.NOT_FOUND()
    return desk.answer(asked).catch((error: unknown) => refuse(reply, error))
  }
  app.fastify.route({ method: 'POST', url: cacheDeskPath, config: { quiet: true }, handler })
}

/** Told as data, whatever the application's replies look like. */
function refuse(reply: FastifyReply, error: unknown): FastifyReply {
  if (!(error instanceof AppError)) throw error
  return reply.code(error.status).send({ ...error.toDetail(), details: error.details })
}

class Desk {
  readonly #app: App
  readonly #cache: Cache
  readonly #peers: Peers
  readonly #rests: readonly CachedRest[]

  constructor(app: App, cache: Cache, peers: Peers) {
    const { prefix = '/api', replies = 'envelope' } = app.definition.options
    const format = replyFormats[replies]
    const resources = [...app.engine.registry.resources.values()]
    this.#app = app
    this.#cache = cache
    this.#peers = peers
    this.#rests = resources.map((resource) => ({ engine: app.engine, resource, format, path: `${prefix}/${resource.name}` }))
  }

  async answer(asked: CacheRequest): Promise<StatsAnswer | ClearAnswer | WhyAnswer> {
    if (asked.want === 'clear') return this.#clear()
    if (asked.want === 'why') return this.#why(asked)
    return { processes: await this.#all<ProcessStats>(asked), redis: (await this.#app.redis?.info().catch(() => undefined)) ?? [] }
  }

  /** Of this process alone. */
  async own({ want, about = '' }: CacheRequest): Promise<ProcessStats | Explanation | Lookup | undefined> {
    if (want === 'stats') return { pid: process.pid, ...this.#cache.stats(), fenced: await this.#cache.fenced?.refresh() }
    if (!isAddress(about)) return this.#cache.lookUp(entryKey(about))
    const read = readAt(this.#rests, about)?.read
    return read === undefined ? undefined : this.#cache.explain(read)
  }

  async #clear(): Promise<ClearAnswer> {
    const removed = await this.#cache.clear()
    return { removed, redisUsable: this.#app.redis === undefined ? undefined : removed !== undefined }
  }

  /** What is wrong with an address is found here, before the others are asked. */
  async #why(asked: CacheRequest): Promise<WhyAnswer> {
    const { about = '' } = asked
    if (!isAddress(about)) return { processes: await this.#all(asked) }
    const found = readAt(this.#rests, about)
    const uncached = whyUncached(found)
    const resource = found?.resource.name
    return uncached === undefined ? { resource, processes: await this.#all(asked) } : { resource, uncached, processes: [] }
  }

  async #all<answer>(asked: CacheRequest): Promise<FromProcess<answer>[]> {
    const answers = await this.#peers.ask('cache', asked)
    return answers.filter(({ worker }) => worker > 0).map(({ worker, answer }) => ({ worker, answer: answer as answer | undefined }))
  }
}

function whyUncached(found: AddressedRead | undefined): string | undefined {
  if (found === undefined) return 'No resource reads at this address.'
  const { resource, read } = found
  if (resource.cache === undefined) return `The resource "${resource.name}" has no cache.`
  return read === undefined ? 'A view is among what is read, and a view has no triggers that would tell when it changes.' : undefined
}

function isAddress(about: string): boolean {
  return /^(?:\/|https?:)/.test(about)
}

/** A key as Redis has it begins with what belongs to the application and the mode. */
function entryKey(about: string): string {
  return about.replace(/^(?:plinth:.*:)?v:/, '')
}

function requestIn(body: unknown): CacheRequest | undefined {
  const { want, about } = (body ?? {}) as Partial<Record<'want' | 'about', unknown>>
  const isKnown = want === 'stats' || want === 'clear' || want === 'why'
  if (!isKnown || (about !== undefined && typeof about !== 'string')) return undefined
  return { want, ...(about === undefined ? {} : { about }) }
}
