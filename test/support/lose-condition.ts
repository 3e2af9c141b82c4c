// A fault of the engine's own: it decides as if nothing belonged to a tenant.

import { vi } from 'vitest'
import type { App } from '../../src/app/create.ts'
import { decide } from '../../src/resource/access/decide.ts'
import { Sights } from '../../src/resource/access/sights.ts'

/** Until mocks are restored. */
export function loseCondition({ engine }: Pick<App, 'engine'>): void {
  const { sights } = engine.registry
  const mutated = new Sights(
    (resource, who) => decide({ ...resource, tenant: undefined }, who),
    () => false,
  )
  vi.spyOn(sights, 'of').mockImplementation((resource, who) => mutated.of(resource, who))
}
