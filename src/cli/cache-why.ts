// `plinth cache why`: the facts about a read as sentences.

import type { FromProcess, WhyAnswer } from '../app/cache-desk.ts'
import type { Explanation, FencedSight, Kept, KeptHere, Lookup } from '../cache/explain.ts'
import { amount, span } from './quantities.ts'

export function explain({ resource, uncached, processes }: WhyAnswer): string[] {
  if (uncached !== undefined) return [`Not cached. ${uncached}`]
  const first = processes.find(({ answer }) => answer !== undefined)?.answer
  if (first === undefined) return ['No process has answered.']
  if (!isExplanation(first)) return [...processes.flatMap(lookupLines), 'Ask with an address to learn whether it would be used.']
  return [...readLines(resource ?? '', first), ...processes.flatMap(processLines)]
}

function isExplanation(answer: Explanation | Lookup): answer is Explanation {
  return 'verdict' in answer
}

function readLines(resource: string, { key, mode, ttlMs, nearMs, tables, version, untracked }: Explanation): string[] {
  const near = nearMs === 0 ? '' : `, near for ${span(nearMs)}`
  return [
    `resource  ${resource}`,
    `mode      ${mode}, kept for ${span(ttlMs)}${near}`,
    `key       ${key}`,
    `tables    ${tables.join(', ')}`,
    `version   ${version ?? `none: ${untracked.join(', ')} ${untracked.length === 1 ? 'is' : 'are'} not tracked`}`,
  ]
}

function processLines({ worker, answer }: FromProcess<Explanation | Lookup>): string[] {
  if (answer === undefined || !isExplanation(answer)) return [`Process ${worker} did not answer.`]
  const { verdict, because, fenced, memory, redis, redisUsable, version } = answer
  return [
    `Process ${worker} would answer: ${verdict}. ${because}`,
    ...(fenced === undefined ? [] : [`  fenced  ${fencedText(fenced)}`]),
    `  memory  ${memory === undefined ? 'nothing' : keptHereText(memory, version)}`,
    `  redis   ${redisText(redis, redisUsable, version)}`,
  ]
}

function lookupLines({ worker, answer }: FromProcess<Explanation | Lookup>): string[] {
  if (answer === undefined) return [`Process ${worker} did not answer.`]
  const { memory, redis, redisUsable } = answer
  return [
    `Process ${worker}`,
    `  memory  ${memory === undefined ? 'nothing' : `${keptText(memory)}, of version ${memory.version}`}`,
    `  redis   ${redisText(redis, redisUsable)}${redis === undefined ? '' : `, of version ${redis.version}`}`,
  ]
}

function redisText(redis: Kept | undefined, usable: boolean | undefined, version?: string): string {
  if (usable === undefined) return 'not configured'
  if (!usable) return 'cannot be reached'
  return redis === undefined ? 'nothing' : keptText(redis, version)
}

function keptHereText(kept: KeptHere, version: string | undefined): string {
  return `${keptText(kept, version)}${kept.nearMs > 0 ? `, near for ${span(kept.nearMs)} more` : ''}`
}

/** @param version  of the tables now; left out where nobody knows which tables */
function keptText({ bytes, leftMs, version: madeFor }: Kept, version?: string): string {
  const time = leftMs > 0 ? `for ${span(leftMs)} more` : 'its time is over'
  const age = version === undefined ? '' : madeFor === version ? ', of the version of now' : `, of an older version: ${madeFor}`
  return `${amount(bytes)}, ${time}${age}`
}

function fencedText({ on, state, reason, row }: FencedSight): string {
  const why = typeof reason === 'string' ? reason : `the state is ${String(state)}`
  if (!on) return `off: ${why}`
  if (row === undefined)
    return 'on, and this row cannot be looked up: Redis does not answer, or the key is not written as PostgreSQL writes it'
  if (row.locked) return `on, the row is locked by a transaction: ${row.redisKey}`
  const time = row.leftMs === undefined ? '' : ` for ${span(row.leftMs)} more`
  return row.has ? `on, ${amount(row.bytes)}${time}: ${row.redisKey}` : `on, nothing: ${row.redisKey}`
}
