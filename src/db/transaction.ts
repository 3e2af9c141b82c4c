// Transactions carried by AsyncLocalStorage: whoever calls the database inside `run` speaks on its connection,
// without being handed anything. A transaction within a transaction is a savepoint.

import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { escapeIdentifier, escapeLiteral, type PoolClient } from 'pg'
import type { Logger } from '../core/log.ts'
import { RetryBudget } from '../support/retry-budget.ts'
import { runEffects, type Effect } from './after-commit.ts'
import type { BeforeCommitOptions, TransactionOptions } from './database.ts'
import { dbErrors } from './errors.ts'
import { isStalePlan, isWorthRetrying, pgProblemOf, toAppError } from './pg-errors.ts'
import type { ConnectionPool } from './pool.ts'
import type { Statement } from './rows.ts'

/** Tries of a transaction with `retry`. Of 50,000 transfers beside other work on two cores up to five were unlucky six times. */
const maxTries = 10
/** The pauses double up to here; all of them together take a second and a half. */
const longestPauseFactor = 64
/** SQLSTATE of every statement that comes after a failed one. */
const failedTransaction = '25P02'

/**
 * What to do with a connection. Inside a transaction that has not begun on the server `begin` is given: commands that
 * must go ahead of the query.
 */
export type OnClient<result> = (client: PoolClient, begin?: Begin) => Promise<result>

/** BEGIN and the settings of the transaction, each a command of its own. */
export type Begin = readonly Statement[]

/** Whose rows a connection was told to reach, and how. */
export interface Said {
  readonly tenant: string
  readonly command: string
}

/** What a transaction and its savepoints have in common. */
interface Shared {
  /** What the connection was told when somebody asked for it, to whom it stays told. */
  handedOut?: Said | undefined
}

/** What is done before the commit. The same `effect` is done once, as whoever gave it first would. */
interface LastEffect {
  readonly effect: Effect
  readonly run: Effect
}

/** One open transaction or savepoint. */
class Scope {
  readonly client: PoolClient
  readonly depth: number
  readonly shared: Shared
  readonly effects: Effect[] = []
  readonly lastEffects: LastEffect[] = []
  /** Those that come after all of `lastEffects`. */
  readonly finalEffects: LastEffect[] = []
  /** The BEGIN that the server has not been sent yet. */
  begin: Begin | undefined
  ended = false
  #tail: Promise<unknown> = Promise.resolve()

  constructor(client: PoolClient, depth: number, begin?: Begin, shared: Shared = {}) {
    this.client = client
    this.depth = depth
    this.begin = begin
    this.shared = shared
  }

  takeBegin(): Begin | undefined {
    const { begin } = this
    this.begin = undefined
    return begin
  }

  /**
   * Runs one thing after the other, because a connection does. A savepoint is one thing: statements of the outer
   * transaction that start meanwhile wait for its end, so that they are not rolled back with it.
   */
  inTurn<result>(work: () => Promise<result>): Promise<result> {
    if (this.ended) return Promise.reject(dbErrors.TRANSACTION_ENDED())
    const turn = this.#tail.then(work)
    this.#tail = turn.catch(() => undefined)
    return turn
  }

  /** Lets nothing start any more and resolves when everything that was started has been answered, also what nobody awaited. */
  async end(): Promise<void> {
    this.ended = true
    await this.#tail
  }
}

export class Transactions {
  readonly #scopes = new AsyncLocalStorage<Scope | undefined>()
  readonly #pool: ConnectionPool
  readonly #log: Logger
  /** Transactions that meet get out of each other's way with two retries each at the worst; where none succeeds there is no point. */
  readonly #retries = new RetryBudget({ most: 100, perSuccess: 2 })

  constructor(pool: ConnectionPool, log: Logger) {
    this.#pool = pool
    this.#log = log
  }

  /**
   * The connection of the current transaction. What is done to it directly comes after the BEGIN, which `pg` keeps in line.
   *
   * @param said    one more command to come before, and again behind each statement that says otherwise
   * @throws AppError `DB_CLIENT_OF_OTHER_TENANT`: it is one connection, and whoever holds it already would be told the same
   */
  client(said?: Said): PoolClient | undefined {
    const scope = this.#scopes.getStore()
    if (scope === undefined) return undefined
    const { shared } = scope
    if (shared.handedOut !== undefined && shared.handedOut.tenant !== said?.tenant) throw dbErrors.CLIENT_OF_OTHER_TENANT()
    shared.handedOut = said
    const begin = scope.takeBegin()
    const commands = [begin && textOf(begin), said?.command].filter((command) => command !== undefined)
    if (commands.length > 0) void this.#command(scope.client, commands.join('; ')).catch(() => undefined)
    return scope.client
  }

  isOpen(): boolean {
    return this.#scopes.getStore() !== undefined
  }

  /**
   * Runs `query` on the current transaction's connection in its turn, or on any connection of the pool.
   *
   * @param tenant  what `query` says ahead
   */
  onConnection<result>(query: OnClient<result>, tenant?: string): Promise<result> {
    const scope = this.#scopes.getStore()
    if (scope === undefined) return this.#pool.use(query)
    return scope.inTurn(() => {
      const answer = this.#pool.withDeadline(scope.client, query(scope.client, scope.takeBegin()))
      if (tenant !== scope.shared.handedOut?.tenant) this.#sayAgain(scope)
      return answer
    })
  }

  /** Right behind what has been sent, before the holder of the connection may send more. */
  #sayAgain({ client, shared: { handedOut } }: Scope): void {
    if (handedOut !== undefined) void this.#command(client, handedOut.command).catch(() => undefined) // in a failed transaction nothing is run any more
  }

  /** Keeps the effect for the commit; without a transaction it runs at once. @throws AppError `DB_TRANSACTION_ENDED` */
  afterCommit(effect: Effect): void {
    const scope = this.#scopes.getStore()
    if (scope?.ended === true) throw dbErrors.TRANSACTION_ENDED()
    if (scope === undefined) void runEffects([effect], this.#log)
    else scope.effects.push(effect)
  }

  /**
   * Keeps the effect for the moment before the commit; the same one once.
   *
   * @param run  how it is run
   * @throws AppError `DB_NO_TRANSACTION`, `DB_TRANSACTION_ENDED`
   */
  beforeCommit(effect: Effect, options: BeforeCommitOptions = {}, run: Effect = effect): void {
    const scope = this.#scopes.getStore()
    if (scope === undefined) throw dbErrors.NO_TRANSACTION()
    if (scope.ended) throw dbErrors.TRANSACTION_ENDED()
    const effects = options.final === true ? scope.finalEffects : scope.lastEffects
    effects.push({ effect, run })
  }

  run<result>(work: () => Promise<result>, options: TransactionOptions): Promise<result> {
    const outer = this.#scopes.getStore()
    return outer === undefined ? this.#tryRun(work, options, 1) : outer.inTurn(() => this.#savepoint(outer, work, options))
  }

  async #tryRun<result>(work: () => Promise<result>, options: TransactionOptions, attempt: number): Promise<result> {
    try {
      const result = await this.#once(work, options)
      this.#retries.succeeded()
      return result
    } catch (error) {
      if (options.retry !== true || attempt === maxTries || !isWorthRetrying(error) || !this.#retries.spend()) throw error
      await pauseBefore(attempt)
      return this.#tryRun(work, options, attempt + 1)
    }
  }

  async #once<result>(work: () => Promise<result>, options: TransactionOptions): Promise<result> {
    const client = await this.#pool.take()
    const scope = new Scope(client, 0, begin(options))
    try {
      const result = await this.#workIn(scope, work)
      await this.#finish(scope)
      await this.#commit(scope)
      this.#pool.release(client)
      await runEffects(scope.effects, this.#log)
      return result
    } catch (error) {
      const clean = await this.#rollback(scope)
      this.#pool.release(client, { broken: !clean || isStalePlan(error) })
      throw error
    }
  }

  /** What was left for the moment before the commit has a scope of its own, because that of the work has ended. */
  async #finish(scope: Scope): Promise<void> {
    if (scope.lastEffects.length === 0 && scope.finalEffects.length === 0) return
    const last = new Scope(scope.client, 0, scope.takeBegin(), scope.shared)
    try {
      await this.#workIn(last, () => runLast(scope, last))
    } catch (error) {
      throw pgProblemOf(error)?.sqlstate === failedTransaction ? dbErrors.TRANSACTION_FAILED() : error
    } finally {
      scope.begin = last.begin
    }
    scope.effects.push(...last.effects)
  }

  /** PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error. */
  async #commit({ client, begin }: Scope): Promise<void> {
    if (begin !== undefined) return
    const tag = await this.#command(client, 'commit')
    if (tag !== 'COMMIT') throw dbErrors.TRANSACTION_FAILED()
  }

  /** False when nobody knows in which state the connection is now. */
  async #rollback({ client, begin }: Scope): Promise<boolean> {
    if (begin !== undefined) return true
    return this.#command(client, 'rollback').then(
      () => true,
      () => false,
    )
  }

  async #begin(scope: Scope): Promise<void> {
    const begin = scope.takeBegin()
    if (begin !== undefined) await this.#command(scope.client, textOf(begin))
  }

  async #savepoint<result>(outer: Scope, work: () => Promise<result>, options: TransactionOptions): Promise<result> {
    const scope = new Scope(outer.client, outer.depth + 1, undefined, outer.shared)
    const name = `plinth_${scope.depth}`
    await this.#begin(outer)
    await this.#command(scope.client, [`savepoint ${name}`, ...settingCommands(options)].join('; '))
    try {
      const result = await this.#workIn(scope, work)
      await this.#command(scope.client, `release savepoint ${name}`)
      outer.effects.push(...scope.effects)
      outer.lastEffects.push(...scope.lastEffects)
      outer.finalEffects.push(...scope.finalEffects)
      return result
    } catch (error) {
      // When this fails too, the outer transaction cannot go on and says so at its next statement.
      await this.#command(scope.client, `rollback to savepoint ${name}; release savepoint ${name}`).catch(() => undefined)
      throw error
    } finally {
      this.#sayAgain(outer)
    }
  }

  async #workIn<result>(scope: Scope, work: () => Promise<result>): Promise<result> {
    try {
      return await this.#scopes.run(scope, work)
    } finally {
      await scope.end()
    }
  }

  /** Runs a command of transaction control and returns its tag. */
  async #command(client: PoolClient, sql: string): Promise<string> {
    try {
      const result = await this.#pool.withDeadline(client, client.query(sql))
      return result.command
    } catch (error) {
      throw toAppError(error)
    }
  }
}

function begin(options: TransactionOptions): Begin {
  const isolation = options.isolation === undefined ? '' : ` isolation level ${options.isolation}`
  const commands = [`begin${isolation}${options.readOnly === true ? ' read only' : ''}`, ...settingCommands(options)]
  return commands.map((text) => ({ text, values: [] }))
}

/** The commands in one message. */
export function textOf(begin: Begin): string {
  return begin.map(({ text }) => text).join('; ')
}

function settingCommands({ settings = {} }: TransactionOptions): string[] {
  return Object.entries(settings).map(
    ([name, value]) => `set local ${name.split('.').map(escapeIdentifier).join('.')} to ${escapeLiteral(value)}`,
  )
}

/** Waits 4 to 256 ms, each time twice as long, so that transactions that met do not meet again. */
async function pauseBefore(attempt: number): Promise<void> {
  await sleep(Math.min(2 ** attempt, longestPauseFactor) * (2 + Math.random() * 6))
}

/** An effect may write and so leave others; the final ones have to see all of that. */
async function runLast(scope: Scope, last: Scope): Promise<void> {
  const done = new Set<Effect>()
  await runOnce(scope.lastEffects, done)
  await runOnce(last.lastEffects, done)
  await runOnce([...scope.finalEffects, ...last.finalEffects], new Set())
}

/** Also those that come while others are run. */
async function runOnce(effects: readonly LastEffect[], done: Set<Effect>): Promise<void> {
  for (const { effect, run } of effects) {
    if (done.has(effect)) continue
    done.add(effect)
    await run()
  }
}
