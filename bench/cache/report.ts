// The measurements of the cache as the page `bench/CACHE.md`.

import type { Measured } from '../measure-load.ts'
import { median } from '../statistics.ts'
import { type Case, cases, descriptions, serverNames } from './cases.ts'
import type { CacheOptions, Pair } from './measure.ts'

export interface CacheResults {
  readonly pairs: readonly Pair[]
  readonly options: CacheOptions
  readonly versions: readonly (readonly [string, string])[]
  readonly machine: string
}

export function cachePage({ pairs, options, versions, machine }: CacheResults): string {
  const date = new Date().toISOString().slice(0, 10)
  return [
    '# Benchmark of the cache',
    `Written by \`npm run bench\` on ${date}. ${machine}. ${versions.map(([name, version]) => `${name} ${version}`).join(', ')}.`,
    `Each server is one process on loopback with a database of its own; one PostgreSQL (\`fsync\` on) and one Redis for all. Plinth runs in production mode
with validation, access log in a file, metrics, security headers and entity tags. 32 connections; ${options.rounds} rounds of ${options.measureMs / 1_000} s each, the two sides of a comparison
one right after the other, ${options.warmUpMs / 1_000} s of warm-up before each; medians, × the median of the rounds' ratios. Everything shares the machine, so CPU per
request is steadier than requests per second.`,
    serverNames.map((name) => `- **${name}**: ${descriptions[name]}`).join('\n'),
    table(pairs),
  ].join('\n\n')
}

function table(pairs: readonly Pair[]): string {
  const head = [
    '| request | | requests/s | Node CPU | PostgreSQL CPU | × requests/s | × Node CPU | goal |',
    '|---|---|--:|--:|--:|--:|--:|---|',
  ]
  return [
    ...head,
    ...cases.flatMap((one) =>
      rowsOf(
        one,
        pairs.filter((pair) => pair.case === one),
      ),
    ),
  ].join('\n')
}

function rowsOf(one: Case, pairs: readonly Pair[]): string[] {
  const faster = median(pairs.map(({ ours, other }) => ours.perSecond / other.perSecond))
  const cheaper = median(pairs.map(({ ours, other }) => other.nodeCpu / ours.nodeCpu))
  const verdict = one.goal === undefined ? '' : `${one.goal}×: ${faster >= one.goal ? '**reached**' : '**not reached**'}`
  return [
    `| ${one.title} | ${one.ours} | ${numbers(pairs.map(({ ours }) => ours))} | ${faster.toFixed(2)}× | ${cheaper.toFixed(2)}× | ${verdict} |`,
    `| | ${one.other} | ${numbers(pairs.map(({ other }) => other))} | | | |`,
  ]
}

function numbers(samples: readonly Measured[]): string {
  const postgres = samples.flatMap(({ postgresCpu }) => postgresCpu ?? [])
  return [
    median(samples.map(({ perSecond }) => perSecond)).toFixed(0),
    `${median(samples.map(({ nodeCpu }) => nodeCpu)).toFixed(1)} µs`,
    postgres.length === 0 ? 'unknown' : `${median(postgres).toFixed(1)} µs`,
  ].join(' | ')
}
