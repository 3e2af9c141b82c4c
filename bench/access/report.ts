// The measurements of access as the page `bench/ACCESS.md`.

import type { Measured } from '../measure-load.ts'
import { median } from '../statistics.ts'
import { type Case, cases } from './cases.ts'
import type { AccessMeasurements, AccessOptions, AccessPair } from './measure.ts'
import type { SignIns } from './sign-ins.ts'
import { notesOfUser, userCount } from './users.ts'

export interface AccessResults extends AccessMeasurements {
  readonly options: AccessOptions
  readonly versions: readonly (readonly [string, string])[]
  readonly machine: string
}

const mostHealthMs = 50

export function accessPage({ pairs, signIns, options, versions, machine }: AccessResults): string {
  const date = new Date().toISOString().slice(0, 10)
  return [
    '# Benchmark of access',
    `Written by \`npm run bench\` on ${date}. ${machine}. ${versions.map(([name, version]) => `${name} ${version}`).join(', ')}.`,
    `One process in production mode on loopback with validation, access log in a file, metrics, security headers and entity tags; ${(userCount * notesOfUser).toLocaleString('en')} notes
of ${userCount} users. Those who ask have a role with two permissions. A list is a page of 50. 32 connections; ${options.rounds} rounds of ${options.measureMs / 1_000} s each, the two sides of a comparison
one right after the other, ${options.warmUpMs / 1_000} s of warm-up before each; medians, and the median of the rounds' differences. Everything shares the machine, so
CPU per request, of Node and of PostgreSQL for it, is the number to trust.`,
    table(pairs),
    '## Beside sign-ins',
    signInTable(signIns),
  ].join('\n\n')
}

function table(pairs: readonly AccessPair[]): string {
  const head = ['| read | | requests/s | Node CPU | PostgreSQL CPU | more CPU | Node alone | goal |', '|---|---|--:|--:|--:|--:|--:|---|']
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

function rowsOf(one: Case, pairs: readonly AccessPair[]): string[] {
  const more = median(pairs.map(({ base, side }) => allCpu(side) / allCpu(base))) - 1
  const nodeMore = median(pairs.map(({ base, side }) => side.nodeCpu / base.nodeCpu)) - 1
  const verdict = `at most ${percent(one.most)}: ${more <= one.most ? '**reached**' : '**not reached**'}`
  return [
    `| ${one.read} | ${one.title} | ${numbers(pairs.map(({ side }) => side))} | ${percent(more)} | ${percent(nodeMore)} | ${verdict} |`,
    `| | ${one.base.way}, no policy | ${numbers(pairs.map(({ base }) => base))} | | | |`,
  ]
}

function allCpu({ nodeCpu, postgresCpu = 0 }: Measured): number {
  return nodeCpu + postgresCpu
}

function numbers(samples: readonly Measured[]): string {
  const postgres = samples.flatMap(({ postgresCpu }) => postgresCpu ?? [])
  return [
    median(samples.map(({ perSecond }) => perSecond)).toFixed(0),
    `${median(samples.map(({ nodeCpu }) => nodeCpu)).toFixed(1)} µs`,
    postgres.length === 0 ? 'unknown' : `${median(postgres).toFixed(1)} µs`,
  ].join(' | ')
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`
}

function signInTable({ count, seconds, quietP99, busyP99, healthRequests, refused }: SignIns): string {
  const verdict = busyP99 < mostHealthMs ? '**reached**' : '**not reached**'
  return `${count} sign-ins at once took ${seconds.toFixed(1)} s; ${refused} were told to come again. Meanwhile ${healthRequests} requests for the health of the server, one after the other, were answered within
${busyP99.toFixed(1)} ms (the ninety-ninth of a hundred; ${quietP99.toFixed(1)} ms without sign-ins). Goal: under ${mostHealthMs} ms, ${verdict}.`
}
