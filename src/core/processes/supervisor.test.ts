import { setImmediate as turn } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createLog } from '../log.ts'
import { calmMs, CrashRecord } from './crash-record.ts'
import type { WorkerEnd, WorkerProcess } from './member.ts'
import { Supervisor, type SupervisorOptions } from './supervisor.ts'

/** A worker that does what the test says. */
class Actor implements WorkerProcess {
  readonly name: string
  readonly pid = 1
  readonly first: boolean
  readonly #serving = Promise.withResolvers<void>()
  readonly #leaving = Promise.withResolvers<void>()
  readonly #exited = Promise.withResolvers<WorkerEnd>()
  readonly #events: string[]

  constructor(name: string, first: boolean, events: string[]) {
    this.name = name
    this.first = first
    this.#events = events
    events.push(`start ${name}${first ? ' first' : ''}`)
  }

  get serving(): Promise<void> {
    return this.#serving.promise
  }
  get leaving(): Promise<void> {
    return this.#leaving.promise
  }
  get exited(): Promise<WorkerEnd> {
    return this.#exited.promise
  }
  retire(): void {
    this.#events.push(`retire ${this.name}`)
  }
  stop(): void {
    this.#events.push(`stop ${this.name}`)
  }
  kill(): void {
    this.#events.push(`kill ${this.name}`)
    this.#exited.resolve({ code: null, signal: 'SIGKILL' })
  }

  async serves(): Promise<void> {
    this.#serving.resolve()
    await settled()
  }
  async leaves(): Promise<void> {
    this.#leaving.resolve()
    await settled()
  }
  async exits(code = 0): Promise<void> {
    this.#events.push(`end ${this.name}`)
    this.#exited.resolve({ code, signal: null })
    await settled()
  }
}

async function settled(): Promise<void> {
  for (let count = 0; count < 3; count += 1) await turn()
}

/** `name` of a worker: its number, and how many of that number there have been. */
function stage(options: Partial<SupervisorOptions> = {}) {
  const events: string[] = []
  const lines: { level: string; message: string }[] = []
  const actors = new Map<string, Actor>()
  const supervisor = new Supervisor({
    count: 2,
    fork(number, first) {
      const generation = [...actors.keys()].filter((name) => name.startsWith(`${number}.`)).length + 1
      const actor = new Actor(`${number}.${generation}`, first, events)
      actors.set(actor.name, actor)
      return actor
    },
    log: createLog({ level: 'info', stream: { write: (line) => void lines.push(JSON.parse(line)) } }),
    stopMs: () => 20_000,
    ...options,
  })
  onTestFinished(() => supervisor.kill())
  const actor = (name: string): Actor => {
    const found = actors.get(name)
    if (found === undefined) throw new Error(`There is no worker ${name}, only ${[...actors.keys()].join(', ')}.`)
    return found
  }
  const said = (): string[] => lines.map(({ level, message }) => `${level}: ${message}`)
  return { supervisor, events, actor, said, lines }
}

/** Two workers that serve; what happened so far is forgotten. */
async function serving(options: Partial<SupervisorOptions> = {}) {
  const scene = stage(options)
  const started = scene.supervisor.start()
  await scene.actor('1.1').serves()
  await scene.actor('2.1').serves()
  expect(await started).toBeUndefined()
  scene.events.length = 0
  return scene
}

test('the first worker serves before the others are started', async () => {
  const { supervisor, events, actor } = stage({ count: 3 })
  const started = supervisor.start()
  await settled()
  expect(events).toEqual(['start 1.1 first'])
  await actor('1.1').serves()
  expect(events).toEqual(['start 1.1 first', 'start 2.1', 'start 3.1'])
  await actor('2.1').serves()
  await actor('3.1').serves()
  expect(await started).toBeUndefined()
})

test('when the first does not come to serve, the start has failed as that one ended, and nothing is tried again', async () => {
  const { supervisor, events, actor } = stage()
  const started = supervisor.start()
  await actor('1.1').exits(2)
  expect(await started).toEqual({ code: 2, signal: null })
  expect(events).toEqual(['start 1.1 first', 'end 1.1'])
})

test('a worker that ends by itself is replaced, under the same number, and counted', async () => {
  const { supervisor, events, actor, lines } = await serving()
  await actor('2.1').exits(1)
  await vi.waitFor(() => expect(events).toEqual(['end 2.1', 'start 2.2']))
  expect(supervisor.restarts).toBe(1)
  expect(lines).toEqual([expect.objectContaining({ level: 'error', worker: 2, code: 1, pauseMs: 100 })])
})

test('one that has begun to end by itself is replaced at once, once, while it finishes what it had begun', async () => {
  const { supervisor, events, actor } = await serving()
  await actor('1.1').leaves()
  await vi.waitFor(() => expect(events).toEqual(['start 3.1']))
  await actor('1.1').exits(1)
  await actor('3.1').serves()
  expect([events, supervisor.restarts]).toEqual([['start 3.1', 'end 1.1'], 1])
})

test('a reload exchanges one after the other: the new one serves before the old one is asked to end', async () => {
  const { supervisor, events, actor } = await serving()
  const reloaded = supervisor.reload()
  await actor('3.1').serves()
  await actor('1.1').exits()
  await actor('1.2').serves()
  await actor('2.1').exits()
  expect(await reloaded).toBe(true)
  expect(events).toEqual(['start 3.1 first', 'retire 1.1', 'end 1.1', 'start 1.2', 'retire 2.1', 'end 2.1'])
  expect(supervisor.restarts).toBe(0)
})

test('when the new version does not start, the old one goes on, and it is said', async () => {
  const { supervisor, events, actor, said } = await serving()
  const reloaded = supervisor.reload()
  await actor('3.1').exits(1)
  expect(await reloaded).toBe(false)
  expect(events).toEqual(['start 3.1 first', 'end 3.1'])
  expect(said()).toEqual(['error: the new version does not start; the old one goes on serving'])
})

test('a new version that never comes to serve is ended after a while', async () => {
  const { supervisor, events } = await serving({ startMs: 30 })
  expect(await supervisor.reload()).toBe(false)
  expect(events).toEqual(['start 3.1 first', 'kill 3.1'])
})

test('reloads that are asked for during one are done once after it, also when it failed', async () => {
  const { supervisor, events, actor } = await serving({ count: 2 })
  const [one, two, three] = [supervisor.reload(), supervisor.reload(), supervisor.reload()]
  await actor('3.1').exits(1)
  await actor('3.2').serves()
  await actor('1.1').exits()
  await actor('1.2').serves()
  await actor('2.1').exits()
  expect(await Promise.all([one, two, three])).toEqual([true, true, true])
  expect(events.filter((event) => event.startsWith('start'))).toEqual(['start 3.1 first', 'start 3.2 first', 'start 1.2'])
})

test('an old worker that ends by itself during a reload leaves the right number behind', async () => {
  const { supervisor, events, actor } = await serving()
  const reloaded = supervisor.reload()
  await actor('2.1').exits(1)
  await vi.waitFor(() => expect(events).toContain('start 2.2')) // its successor is of the new version already
  await actor('2.2').serves()
  await actor('3.1').serves()
  await actor('1.1').exits()
  expect(await reloaded).toBe(true)
  expect(events).toEqual(['start 3.1 first', 'end 2.1', 'start 2.2', 'retire 1.1', 'end 1.1'])
})

test('a stop asks all, waits for all, and replaces none', async () => {
  const { supervisor, events, actor } = await serving()
  let ended = false
  const stopped = supervisor.stop().then(() => (ended = true))
  await actor('1.1').exits()
  expect(ended).toBe(false)
  await actor('2.1').exits()
  await stopped
  expect(events).toEqual(['stop 1.1', 'stop 2.1', 'end 1.1', 'end 2.1'])
})

test('one that does not end in time is killed', async () => {
  const { supervisor, events, said } = await serving({ stopMs: () => 20 })
  await supervisor.stop()
  expect(events).toEqual(['stop 1.1', 'stop 2.1', 'kill 1.1', 'kill 2.1'])
  expect(said()).toContain('warn: a worker did not end in time and is killed')
})

test('a stop during a reload ends it, and the new one too', async () => {
  const { supervisor, events, actor } = await serving()
  const reloaded = supervisor.reload()
  const stopped = supervisor.stop()
  for (const name of ['1.1', '2.1', '3.1']) await actor(name).exits()
  await stopped
  expect(await reloaded).toBe(false)
  expect(events.slice(0, 4)).toEqual(['start 3.1 first', 'stop 1.1', 'stop 2.1', 'stop 3.1'])
})

test('when workers end as fast as they start, it gives up after five', async () => {
  const { supervisor, actor, said, events } = await serving()
  let hasGivenUp = false
  void supervisor.gaveUp.then(() => (hasGivenUp = true))
  for (const name of ['1.1', '1.2', '1.3', '1.4', '1.5']) {
    await vi.waitFor(() => actor(name), { timeout: 2_000 })
    expect(hasGivenUp).toBe(false)
    await actor(name).exits(1)
  }
  expect(hasGivenUp).toBe(true)
  expect(said().at(-1)).toBe('fatal: every worker ends soon after its start; no more are started')
  expect(events.filter((event) => event.startsWith('start'))).toHaveLength(4)
})

test('while another worker is sound it does not give up', async () => {
  const { supervisor, actor } = await serving()
  const now = performance.now()
  const clock = vi.spyOn(performance, 'now').mockReturnValue(now + calmMs)
  onTestFinished(() => clock.mockRestore())
  let hasGivenUp = false
  void supervisor.gaveUp.then(() => (hasGivenUp = true))
  // The first end comes after a calm life and counts for nothing.
  for (const name of ['1.1', '1.2', '1.3', '1.4', '1.5', '1.6', '1.7']) {
    await vi.waitFor(() => actor(name), { timeout: 4_000 })
    await actor(name).exits(1)
  }
  expect(hasGivenUp).toBe(false)
})

test('pauses double from 100 ms to 5 s, and a calm life begins anew', () => {
  const crashes = new CrashRecord()
  expect(Array.from({ length: 8 }, () => crashes.note(0))).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
  expect([crashes.isLoop, crashes.note(calmMs), crashes.isLoop, crashes.note(calmMs - 1)]).toEqual([true, 0, false, 100])
})
