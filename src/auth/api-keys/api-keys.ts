// API keys: for programs of users, and for services, which are programs without a user. Shown once; what is kept is a hash.

import { AsyncLocalStorage } from 'node:async_hooks'
import { currentContext } from '../../core/context.ts'
import type { Database } from '../../db/database.ts'
import { Lru } from '../../support/lru.ts'
import { TableWatch } from '../accounts/table-watch.ts'
import { factorErrors } from '../factor-errors.ts'
import { invalidToken } from '../tokens/token-fault.ts'
import { type ApiKey, findKey, insertKey, type KeyOwner, keysTable, listKeys, type NewApiKey, noteUse, removeKeys } from './key-rows.ts'
import { isSameHash, newKeyText, readKeyText } from './key-text.ts'

const mostKept = 10_000
/** Of one owner, those that have expired as well. */
const mostKeys = 100
/** The last use is written about as often. */
const noteMs = 60_000

/** What was read of a key, while the table is as it was then. */
interface Kept {
  readonly version: string
  readonly apiKey: ApiKey
  readonly hash: Buffer
  /** Moment of `performance.now()`. */
  readonly endsAt: number
}

/** The request that a key came with, where it was one. */
interface UsedFrom {
  readonly address?: string
  readonly requestId?: string
}

export interface ApiKeysOptions {
  /** Is told of a use at most once a minute, by one process of all. */
  readonly onUse?: (apiKey: ApiKey, from: UsedFrom) => Promise<void>
  /** Throws when the owner may have no key for this tenant. Without it every tenant is taken. */
  readonly demandTenant?: (owner: KeyOwner, tenant: string) => Promise<void>
}

export class ApiKeys {
  readonly #db: Database
  readonly #watch: TableWatch
  readonly #kept = new Lru<Kept>(mostKept)
  /** When a use was last written, by `performance.now()`. */
  readonly #noted = new Lru<number>(mostKept)
  /** That a key was used is not undone with a transaction. */
  readonly #outside = AsyncLocalStorage.snapshot()
  readonly #options: ApiKeysOptions

  constructor(db: Database, options: ApiKeysOptions = {}) {
    this.#db = db
    this.#options = options
    this.#watch = new TableWatch(db, [keysTable])
  }

  /**
   * Part of the current transaction, when there is one.
   *
   * @returns the key, which cannot be found out afterwards
   * @throws AppError AUTH_TOO_MANY_KEYS; AUTH_NOT_A_MEMBER for a tenant that its user does not belong to, or that there is none of
   */
  async create(key: NewApiKey): Promise<{ readonly key: string; readonly apiKey: ApiKey }> {
    const { demandTenant } = this.#options
    if (key.tenant !== undefined) await demandTenant?.(key.owner, key.tenant)
    const text = newKeyText()
    const apiKey = await insertKey(this.#db, text, key, mostKeys)
    if (apiKey === undefined) throw factorErrors.TOO_MANY_KEYS(mostKeys)
    return { key: text.key, apiKey }
  }

  /**
   * Which key this is. A key that was revoked is not accepted any more, in this process at once, in every other within a second.
   *
   * @throws AppError `AUTH_INVALID_TOKEN`, whatever is wrong; the cause says what. And what the database room throws
   */
  async verify(key: string): Promise<ApiKey> {
    const text = readKeyText(key)
    if (text === undefined) throw invalidToken('is no API key')
    const found = await this.#find(text.id)
    if (found === undefined || !isSameHash(found.hash, text.hash)) throw invalidToken('is no API key that there is')
    if (found.endsAt <= performance.now()) throw invalidToken('is an API key that has expired')
    this.#note(found.apiKey)
    return found.apiKey
  }

  /** The newest first; those that have expired, too. */
  list(owner: KeyOwner): Promise<ApiKey[]> {
    return listKeys(this.#db, owner)
  }

  /** @returns false when the owner has no such key */
  async revoke(owner: KeyOwner, id: string): Promise<boolean> {
    return (await removeKeys(this.#db, owner, id)) > 0
  }

  /** @returns how many there were */
  revokeAllOf(owner: KeyOwner): Promise<number> {
    return removeKeys(this.#db, owner)
  }

  /** Asks nothing of the database any more. */
  close(): void {
    this.#watch.close()
  }

  /** In a transaction its own changes are seen by nobody else, and copies do not have them. */
  async #find(id: string): Promise<Omit<Kept, 'version'> | undefined> {
    if (this.#db.isInTransaction()) return this.#read(id)
    const version = this.#watch.version()
    const kept = this.#kept.get(id)
    if (kept !== undefined && kept.version === version) return kept
    const found = await this.#read(id)
    // Read after the version was known: it is at least as new.
    if (version !== undefined && found !== undefined) this.#kept.set(id, { ...found, version })
    return found
  }

  async #read(id: string): Promise<Omit<Kept, 'version'> | undefined> {
    const row = await findKey(this.#db, id)
    return row === undefined ? undefined : { apiKey: row.apiKey, hash: row.hash, endsAt: performance.now() + row.endsInMs }
  }

  /** Nobody waits for it. When it fails, the next use notes itself. */
  #note(apiKey: ApiKey): void {
    const { id } = apiKey
    const now = performance.now()
    if (now - (this.#noted.get(id) ?? -Infinity) < noteMs) return
    this.#noted.set(id, now)
    const from = usedFrom()
    void this.#outside(() => this.#write(apiKey, from)).catch(() => this.#noted.delete(id))
  }

  async #write(apiKey: ApiKey, from: UsedFrom): Promise<void> {
    if (await noteUse(this.#db, apiKey.id, noteMs)) await this.#options.onUse?.(apiKey, from)
  }
}

function usedFrom(): UsedFrom {
  const { address, requestId } = currentContext() ?? {}
  return { ...(address === undefined ? {} : { address }), ...(requestId === undefined ? {} : { requestId }) }
}
