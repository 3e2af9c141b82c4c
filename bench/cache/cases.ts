// What is compared, and the goals of the project for it, as data.

import type { CacheWorkloadName, WorkloadName } from '../workloads.ts'
import type { CacheWay } from './app.ts'

export type CacheServerName = CacheWay | 'constant' | 'fastify-redis'

export interface Case {
  readonly title: string
  readonly workload: WorkloadName | CacheWorkloadName
  readonly ours: CacheServerName
  readonly other: CacheServerName
  /** Requests per second as a part of the other's; undefined where it is only told. */
  readonly goal?: number
}

export const cases: readonly Case[] = [
  { title: 'near hit, one record', workload: 'hot', ours: 'near', other: 'constant', goal: 0.9 },
  { title: 'fenced hit, one record', workload: 'hot', ours: 'fenced', other: 'fastify-redis', goal: 0.95 },
  { title: 'verified hit, list of 50 with two includes', workload: 'nested', ours: 'verified', other: 'none', goal: 2 },
  { title: 'verified hit, one record', workload: 'hot', ours: 'verified', other: 'none' },
  { title: 'write to a verified table', workload: 'change', ours: 'verified', other: 'none' },
  { title: 'write to a fenced table', workload: 'change', ours: 'fenced', other: 'none' },
]

export const serverNames: readonly CacheServerName[] = ['none', 'verified', 'near', 'fenced', 'constant', 'fastify-redis']

export const descriptions: Readonly<Record<CacheServerName, string>> = {
  none: 'Plinth without a cache',
  verified: "Plinth, `cache: '10m'`",
  near: "Plinth, `cache: { ttl: '10m', near: '1m' }`",
  fenced: "Plinth, `cache: { ttl: '10m', mode: 'fenced' }`",
  constant: 'Fastify that always answers the same text, nothing else on',
  'fastify-redis': 'Fastify and `redis` by hand: GET, send, nothing else on',
}
