// Tries rows of the table: the fault is injected into real servers, every kind of endpoint is asked, and everything is as before when it
// is over, in the same process.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, onTestFailed, onTestFinished, test } from 'vitest'
import type { Call, Reply } from '../guarantees/support/caller.ts'
import {
  answered,
  type EndpointKind,
  endpointKinds,
  type FailureMode,
  type Outcome,
  type Outcomes,
  outcomes,
} from './modes/failure-mode.ts'
import { endAll, type Ends } from './support/ends.ts'
import { startWorld, type World } from './support/world.ts'

/** A machine that is busy with others is later: this, and three times as long as it took without the fault. */
const slackMs = 1_500
/** After that nothing is read from the fenced cache because of what was heard before the fault. */
const permissionMs = 600
const recoveryMs = 2_000
/** The fenced cache stays off for three seconds after somebody could not lock a row, and waits longer each time it fails. */
const cacheMs = 30_000
/** Probes that come in the same moment share one look, which is a little older then. */
const sharedLookMs = 300
/** Requests of each kind at once. */
const each = 4
/** Connections of the pool, of the reader, the session of the fenced cache, and one to knock with. */
const mostConnections = 10 + 4 + 1 + 1

/** Text that does not compress and that no page has room for, so that a write needs space on the disk. */
const longTitle = (): string => Array.from({ length: 3_000 }, () => Math.random().toString(36).slice(2)).join('')

const read = (resource: string, index: number): Call =>
  index % 2 === 0 ? { path: `/api/${resource}/${index + 1}` } : { path: `/api/${resource}?page[size]=${index + 5}` }
const write = (resource: string, index: number): Call =>
  index % 2 === 0
    ? { method: 'POST', path: `/api/${resource}`, body: { title: longTitle() } }
    : { method: 'PATCH', path: `/api/${resource}/${index + 20}`, body: { title: longTitle() } }

const calls: Readonly<Record<EndpointKind, (index: number) => Call>> = {
  read: (index) => read('notes', index),
  verifiedRead: (index) => read('pages', index),
  fencedRead: (index) => ({ path: `/api/cards/${index + 1}` }),
  write: (index) => write('notes', index),
  verifiedWrite: (index) => write('pages', index),
  fencedWrite: (index) => write('cards', index),
  live: () => ({ path: '/health/live' }),
  ready: () => ({ path: '/health/ready' }),
}

type Replies = Readonly<Record<EndpointKind, readonly Reply[]>>

async function askAll({ app }: World): Promise<Replies> {
  const asked = endpointKinds.map(async (kind) => {
    const replies = await Promise.all(Array.from({ length: each }, (_, index) => app.send(calls[kind](index))))
    return [kind, replies] as const
  })
  return Object.fromEntries(await Promise.all(asked)) as unknown as Replies
}

/** What is not as the table says, one sentence each. */
function surprises(replies: Replies, expected: Outcomes, patienceMs: number): string[] {
  return endpointKinds.flatMap((kind) =>
    replies[kind].flatMap((reply) => problemsOf(reply, expected[kind], patienceMs).map((text) => `${kind} ${text}`)),
  )
}

function problemsOf({ status, headers, elapsedMs, text }: Reply, { statuses, withinMs }: Outcome, patienceMs: number): string[] {
  const problems: string[] = []
  if (!statuses.includes(status)) problems.push(`is ${status} and not ${statuses.join(' or ')}: ${text.slice(0, 300)}`)
  if (elapsedMs > withinMs + patienceMs) problems.push(`took ${Math.round(elapsedMs)} ms and not ${withinMs}`)
  if (status === 503 && headers['retry-after'] === undefined) problems.push('has no Retry-After')
  return problems
}

async function patienceWith(world: World): Promise<number> {
  const replies = Object.values(await askAll(world)).flat()
  return slackMs + 3 * Math.max(...replies.map(({ elapsedMs }) => elapsedMs))
}

function isWell(replies: Replies): boolean {
  return Object.values(replies)
    .flat()
    .every(({ status }) => status === 200 || status === 201)
}

/** Everything is answered, and the fenced cache is on where there is a Redis for it. */
async function isWarm(world: World): Promise<boolean> {
  const { checks } = await shown(world)
  return isWell(await askAll(world)) && (world.redis === undefined || checks.cache?.fenced?.ok === true)
}

interface Details {
  readonly checks: { readonly cache?: { readonly fenced?: { readonly ok: boolean } } }
}

async function shown({ app }: World): Promise<Details> {
  return JSON.parse((await app.send({ path: '/health/details' })).text) as Details
}

const messages = ({ app }: World): string[] => app.lines().map(({ message }) => message)

/**
 * One test for each mode. Those that need nothing of their own share their servers. Each has a process of its own: one whose fenced cache
 * fails again and again within a minute waits longer each time to switch it on.
 */
export function tryModes(modes: readonly FailureMode[]): void {
  const sharedEnds: Ends = []
  let shared: Promise<World> | undefined
  const discard = async (): Promise<void> => {
    shared = undefined
    await endAll(sharedEnds)
  }
  afterAll(discard)

  const worldFor = async ({ world }: FailureMode): Promise<World> => {
    const ends: Ends = []
    onTestFinished(() => endAll(ends))
    if (world !== undefined) return startWorld(world, ends)
    onTestFailed(discard)
    shared ??= startServers(sharedEnds)
    const common = await shared
    return { ...common, app: await common.another({}, {}, ends) }
  }

  const named = modes.map((mode) => [mode.fault, mode] as const)
  test.for(named)('%s', { timeout: 90_000 }, async ([, mode], { skip }) => {
    const reason = mode.skip?.()
    if (reason !== undefined) skip(reason)
    const world = await worldFor(mode)
    // Control: before the fault all is well, so it is the fault that makes the difference.
    await expect.poll(() => isWarm(world), { timeout: cacheMs }).toBe(true)
    await breakAndMend(world, mode)
  })
}

/** A world whose own process has ended: it would have connections, too. */
async function startServers(ends: Ends): Promise<World> {
  const world = await startWorld({}, ends)
  world.app.signal('SIGKILL')
  await world.app.exited
  return world
}

async function breakAndMend(world: World, mode: FailureMode): Promise<void> {
  const patienceMs = await patienceWith(world)
  const before = messages(world).length
  await sleep(sharedLookMs)
  try {
    await mode.inject(world)
    await meanwhile(world, mode, { before, patienceMs })
  } finally {
    await mode.heal(world)
  }
  // Which kind of endpoint is not well yet is in the message.
  const notWell = async (): Promise<string[]> => surprises(await askAll(world), outcomes(answered), Infinity)
  await expect.poll(notWell, { timeout: recoveryMs + patienceMs, interval: 20 }).toEqual([])
  // Nothing is left behind: no request, and no connection more than the process may have.
  await expect.poll(() => shown(world), { timeout: 5_000 }).toMatchObject({ requestsInFlight: 1 })
  await expect.poll(() => world.connections().catch(() => 0), { timeout: 5_000 }).toBeLessThanOrEqual(mostConnections)
  await expect.poll(() => isWarm(world), { timeout: cacheMs }).toBe(true)
}

interface Expected {
  /** Lines of the log until then. */
  readonly before: number
  readonly patienceMs: number
}

async function meanwhile(world: World, mode: FailureMode, { before, patienceMs }: Expected): Promise<void> {
  expect(surprises(await askAll(world), mode.first, patienceMs)).toEqual([])
  if (mode.shows !== undefined) await expect.poll(() => shown(world), { timeout: 5_000 }).toMatchObject(mode.shows)
  for (const pauseMs of [permissionMs, 300]) {
    await sleep(pauseMs)
    expect(surprises(await askAll(world), mode.later ?? mode.first, patienceMs)).toEqual([])
  }
  const { log } = mode
  if (log === undefined) return
  const isSaid = (): boolean =>
    messages(world)
      .slice(before)
      .some((message) => log.test(message))
  await expect.poll(isSaid, { timeout: 5_000 }).toBe(true)
}
