// What lives in the schema `plinth` is made by numbered steps, each once per database and never changed after a release:
// a later step replaces what an earlier one made.

export interface SystemStep {
  /** 1 to 9: table versions, 10 to 19: the fenced cache, 20: idempotency, from 30: sessions and counters, from 40: accounts, from 50: their tokens, 60: tenants. */
  readonly step: number
  /** What it makes, for people. */
  readonly title: string
  /** Statements in the language of plpgsql's BEGIN … END; run in one transaction. `$$` may quote function bodies. */
  readonly sql: string
}
