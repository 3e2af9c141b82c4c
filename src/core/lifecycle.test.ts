import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { AppError } from './errors.ts'
import { inTime, Lifecycle, type Part } from './lifecycle.ts'
import { createLog, silentLog } from './log.ts'

function recorded(names: string[], broken: Partial<Record<string, 'start' | 'stop'>> = {}) {
  const events: string[] = []
  const parts = names.map((name): Part => {
    const act = (verb: 'start' | 'stop') => async () => {
      await sleep(1)
      events.push(`${verb} ${name}`)
      if (broken[name] === verb) throw new Error(`${name} cannot ${verb}`)
    }
    return { name, start: act('start'), stop: act('stop') }
  })
  return { events, parts }
}

test('parts start in order and stop in reverse', async () => {
  const { events, parts } = recorded(['db', 'cache', 'server'])
  const lifecycle = new Lifecycle(silentLog(), parts)
  await lifecycle.start()
  await lifecycle.stop()
  expect(events).toEqual(['start db', 'start cache', 'start server', 'stop server', 'stop cache', 'stop db'])
})

test('when a part does not start, what had started is stopped and the error names the part and keeps the cause', async () => {
  const { events, parts } = recorded(['db', 'cache', 'server'], { cache: 'start' })
  const error: unknown = await new Lifecycle(silentLog(), parts).start().catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'CORE_START_FAILED', message: 'cache did not start.', cause: { message: 'cache cannot start' } })
  expect(events).toEqual(['start db', 'start cache', 'stop cache', 'stop db'])
})

test('a part that does not stop is logged, and the others stop all the same', async () => {
  const lines: string[] = []
  const { events, parts } = recorded(['db', 'cache', 'server'], { cache: 'stop' })
  const lifecycle = new Lifecycle(createLog({ level: 'info', stream: { write: (line) => void lines.push(line) } }), parts)
  await lifecycle.start()
  await lifecycle.stop()
  expect(events.slice(3)).toEqual(['stop server', 'stop cache', 'stop db'])
  expect(lines.join('')).toContain('cache did not stop cleanly')
})

test('stopping twice stops once', async () => {
  const { events, parts } = recorded(['db'])
  const lifecycle = new Lifecycle(silentLog(), parts)
  await lifecycle.start()
  await Promise.all([lifecycle.stop(), lifecycle.stop()])
  expect(events).toEqual(['start db', 'stop db'])
})

test('a part that hangs is given up after its time', async () => {
  const parts: Part[] = [
    { name: 'db', stop: () => {} },
    { name: 'hanging', start: () => new Promise(() => {}), startMs: 20 },
  ]
  const error: unknown = await new Lifecycle(silentLog(), parts).start().catch((thrown: unknown) => thrown)
  expect((error as AppError).cause).toMatchObject({ code: 'CORE_TOO_SLOW', message: 'hanging took longer than 0.02 seconds.' })
})

test('work that is done in time leaves no timer behind', async () => {
  expect(await inTime('work', 60_000, () => 'done')).toBe('done')
  expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBeLessThan(5)
  await expect(
    inTime('work', 1_000, () => {
      throw new Error('at once')
    }),
  ).rejects.toThrow('at once')
})
