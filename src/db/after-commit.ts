// Effects that wait for the commit: cache invalidation, messages, mails. A failing effect cannot undo the commit, so it is logged.

import type { Logger } from '../core/log.ts'

export type Effect = () => void | Promise<void>

/** Runs the effects one after the other, in the order they were given. Never throws. */
export async function runEffects(effects: readonly Effect[], log: Logger): Promise<void> {
  for (const effect of effects) {
    try {
      await effect()
    } catch (error) {
      log.error({ err: error }, 'an effect after commit failed')
    }
  }
}
