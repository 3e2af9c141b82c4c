// Keeps the embedded database running while the processes that use it come and go.

import { silentLog } from '../core/log.ts'

/** @returns what gives it up; the last one to do so stops it */
export async function holdDatabase(root: string): Promise<() => Promise<void>> {
  const { startEmbedded } = await import('../db/embedded/start.ts')
  const { stop } = await startEmbedded({ root, log: silentLog() })
  return stop
}
