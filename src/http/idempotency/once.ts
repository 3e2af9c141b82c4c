// Does a write once for each Idempotency-Key: take the key → do the work → keep its answer → commit, all in one transaction.
// Whoever comes later, at the same time or after a crash, gets the kept answer; a work that failed has left nothing behind.

import { AppError } from '../../core/errors.ts'
import type { Database } from '../../db/database.ts'
import type { Answer } from '../answer.ts'
import type { Callers } from '../callers.ts'
import type { HttpRequest } from '../route.ts'
import { type Claim, claimOf } from './claim.ts'
import { idempotencyErrors } from './errors.ts'
import { findAnswer, forgetOldKey, keepAnswer, type KeptAnswer, takeKey, whyNotInstalled } from './kept-answers.ts'
import { inProgress, Turns } from './turns.ts'

export interface OnceOptions {
  readonly db: Database
  readonly callers: Callers
  /** How long answers are kept. */
  readonly ttlMs: number
  /** Longest wait for the first request with the same key in this process; PostgreSQL's lock time-out bounds it between processes. */
  readonly waitMs: number
}

/** Opens the transaction that key, work and answer share. */
export type InTransaction = <result>(work: () => Promise<result>) => Promise<result>

/** Largest body that is kept. What is kept is in memory three times while it is written. */
const mostBytes = 4 * 2 ** 20
/** An old answer can only be in the way once, unless the clock jumps. */
const mostTries = 3

export class Once {
  readonly #options: OnceOptions
  readonly #turns: Turns

  constructor(options: OnceOptions) {
    this.#options = options
    this.#turns = new Turns(options.waitMs)
  }

  /** The request's claim; undefined when it has no Idempotency-Key. @throws AppError `IDEMPOTENCY_INVALID_KEY` */
  claimOf(request: HttpRequest): Claim | undefined {
    return claimOf(request, this.#options.callers)
  }

  /**
   * The answer of `work`, or of the first request with the same key.
   *
   * @param work  may throw, which rolls everything back; nothing is kept then
   * @throws      AppError `IDEMPOTENCY_KEY_REUSED` (422), `IDEMPOTENCY_IN_PROGRESS` (409), `IDEMPOTENCY_ANSWER_TOO_LARGE` (400),
   *              `IDEMPOTENCY_NOT_INSTALLED` (500), what `work` and `inTransaction` throw
   */
  async answer(claim: Claim, work: () => Promise<Answer>, inTransaction: InTransaction): Promise<Answer> {
    const leave = await this.#turns.enter(JSON.stringify([claim.scope, claim.key]))
    try {
      return await this.#inSightOfTheFirst(() => inTransaction(() => this.#answerFirst(claim, work)))
    } finally {
      leave()
    }
  }

  /** A transaction that sees the database as it was cannot see who committed while it waited for the key; the next one can. */
  async #inSightOfTheFirst(run: () => Promise<Answer>): Promise<Answer> {
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof TakenMeanwhile)) throw error
    }
    return run().catch((error: unknown) => {
      throw error instanceof TakenMeanwhile ? inProgress(error) : error
    })
  }

  async #answerFirst(claim: Claim, work: () => Promise<Answer>): Promise<Answer> {
    const { db, ttlMs } = this.#options
    for (let tries = 0; tries < mostTries; tries++) {
      if (await taken(() => takeKey(db, claim))) return this.#keep(claim, await work())
      const kept = await findAnswer(db, claim, ttlMs)
      if (kept !== undefined) return replay(kept, claim)
      await forgetOldKey(db, claim, ttlMs)
    }
    throw inProgress()
  }

  async #keep(claim: Claim, answer: Answer): Promise<Answer> {
    if ((answer.body?.length ?? 0) > mostBytes) throw idempotencyErrors.ANSWER_TOO_LARGE(`${mostBytes / 2 ** 20} MB`)
    await keepAnswer(this.#options.db, claim, answer)
    return answer
  }
}

function replay({ fingerprint, answer }: KeptAnswer, claim: Claim): Answer {
  if (fingerprint !== claim.fingerprint) throw idempotencyErrors.KEY_REUSED()
  return { ...answer, headers: { ...answer.headers, 'idempotency-replayed': 'true' } }
}

async function taken(take: () => Promise<boolean>): Promise<boolean> {
  try {
    return await take()
  } catch (error) {
    throw explain(error)
  }
}

/** The key was taken by a transaction that this one does not see. Nothing has been done. */
class TakenMeanwhile extends Error {}

/** The only lock that taking a key waits for is that of the transaction that has taken it before. */
function explain(error: unknown): unknown {
  const why = whyNotInstalled(error)
  if (why !== undefined) return idempotencyErrors.NOT_INSTALLED(why).with({ cause: error })
  const code = error instanceof AppError ? error.code : undefined
  if (code === 'DB_SERIALIZATION') return new TakenMeanwhile('The key was taken meanwhile.', { cause: error })
  return code === 'DB_LOCKED' ? inProgress(error) : error
}
