// A failure mode as data: what breaks, what each kind of endpoint then answers, what the log says, and what makes it good again.
// The tests inject it, and docs/operate/failure-modes.md is written from it.

import type { World, WorldOptions } from '../support/world.ts'

/** As the page has its columns; `verified` and `fenced` are the modes of the cache of what is asked. */
export const endpointKinds = ['read', 'verifiedRead', 'fencedRead', 'write', 'verifiedWrite', 'fencedWrite', 'live', 'ready'] as const
export type EndpointKind = (typeof endpointKinds)[number]

/** What a client gets. */
export interface Outcome {
  /** As the page shows it. */
  readonly text: string
  readonly statuses: readonly number[]
  /** Longest time until the answer, in milliseconds. */
  readonly withinMs: number
}

/** A request is answered as if nothing were wrong. */
export const answered: Outcome = { text: 'as always', statuses: [200, 201], withinMs: 1_000 }
export const answeredLate = (text: string, withinMs: number): Outcome => ({ text, statuses: [200, 201], withinMs })
/** 503 with Retry-After. */
export const refused: Outcome = { text: '503 at once', statuses: [503], withinMs: 1_000 }
export const refusedWithin = (seconds: number): Outcome => ({
  text: `503 within ${seconds} s`,
  statuses: [503],
  withinMs: seconds * 1_000,
})
/** Some are answered and some refused, never anything else. */
export const either: Outcome = { text: 'as always, or 503', statuses: [200, 201, 503], withinMs: 3_000 }
/** Of a row in the fenced cache, whose permission ends half a second after the database was last heard. */
export const fromCacheAtFirst = ({ text, withinMs }: Outcome): Outcome => ({
  text: `from the cache for ½ s, then ${text}`,
  statuses: [200, 503],
  withinMs,
})

export type Outcomes = Readonly<Record<EndpointKind, Outcome>>

/** @param data  of reads and writes alike, where `other` does not say otherwise */
export const outcomes = (data: Outcome, other: Partial<Outcomes> = {}): Outcomes => ({
  read: data,
  verifiedRead: data,
  fencedRead: data,
  write: data,
  verifiedWrite: data,
  fencedWrite: data,
  live: answered,
  ready: answered,
  ...other,
})

/** Reads are answered, writes are not. */
export const writesOnly = (data: Outcome): Outcomes => outcomes(answered, { write: data, verifiedWrite: data, fencedWrite: data })

/** What happens when the database is away: everything but a hit in the fenced cache needs it. */
export const withoutDatabase = (data: Outcome): Outcomes =>
  outcomes(data, { fencedRead: fromCacheAtFirst(data), ready: { text: '503', statuses: [503], withinMs: 1_500 } })

/** Once the permission has ended. */
export const stillWithoutDatabase: Outcomes = { ...withoutDatabase(refused), fencedRead: refused }

export interface FailureMode {
  /** What is broken, as a sentence. */
  readonly fault: string
  /** Why it cannot be tried here, when it cannot. */
  readonly skip?: () => string | undefined
  /** What is needed besides, or otherwise; modes without share one world. */
  readonly world?: WorldOptions
  inject(world: World): unknown
  /** From the moment of the fault. */
  readonly first: Outcomes
  /** Once it has been noticed, where that makes a difference. */
  readonly later?: Outcomes
  /** What `/health/details` has in it meanwhile. */
  readonly shows?: object
  /** A message of the log, which there must be; absent where nothing is to be logged. */
  readonly log?: RegExp
  /** What is logged, as the page shows it. */
  readonly logText?: string
  heal(world: World): unknown
  /** How it recovers, for the page. */
  readonly recovery: string
}
