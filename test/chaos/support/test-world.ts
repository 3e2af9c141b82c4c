// A world for one test, in which everything is well.

import { expect, onTestFinished } from 'vitest'
import type { Caller } from '../../guarantees/support/caller.ts'
import { endAll, type Ends } from './ends.ts'
import { startWorld, type World, type WorldOptions } from './world.ts'

/** Machines of CI are shared: this is added to every time that is promised. */
export const slackMs = 2_500

export async function testWorld(options: WorldOptions = {}): Promise<World> {
  const ends: Ends = []
  onTestFinished(() => endAll(ends))
  const world = await startWorld(options, ends)
  if (world.redis !== undefined) await fenceIsOn(world.app)
  return world
}

export async function fenceIsOn(app: Caller): Promise<void> {
  const look = async (): Promise<boolean> => {
    await app.send({ path: '/api/cards/1' })
    const { checks } = (await app.send({ path: '/health/details' })).json() as Details
    return checks.cache.fenced.ok
  }
  await expect.poll(look, { timeout: 20_000 }).toBe(true)
}

interface Details {
  readonly checks: { readonly cache: { readonly fenced: { readonly ok: boolean } } }
}

/** The value of one line of `/metrics`; 0 when it is not there. */
export async function metric(app: Caller, line: string): Promise<number> {
  const { text } = await app.send({ path: '/metrics' })
  const found = text.split('\n').find((other) => other.startsWith(`${line} `))
  return Number(found?.slice(line.length + 1) ?? 0)
}
