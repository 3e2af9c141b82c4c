// Which tenants there are, believed for less than a second: keys of services end with their tenant, and are asked about with each request.

import { performance } from 'node:perf_hooks'
import { Lru } from '../../support/lru.ts'

const goodMs = 800
const mostKept = 10_000

interface Kept {
  /** Of `performance.now()`. */
  readonly askedAt: number
  readonly isThere: Promise<boolean>
}

export class KnownTenants {
  readonly #ask: (tenant: string) => Promise<boolean>
  readonly #kept = new Lru<Kept>(mostKept)

  constructor(ask: (tenant: string) => Promise<boolean>) {
    this.#ask = ask
  }

  /** @param tenant  key, as text @throws what asking throws, each time */
  async has(tenant: string): Promise<boolean> {
    const [kept, now] = [this.#kept.get(tenant), performance.now()]
    if (kept !== undefined && now - kept.askedAt < goodMs) return kept.isThere
    const isThere = this.#ask(tenant)
    this.#kept.set(tenant, { askedAt: now, isThere })
    isThere.catch(() => this.#kept.delete(tenant))
    return isThere
  }
}
