// Links of mails that come a second time, or were never sent: somebody may be trying them.

import { AppError } from '../../core/errors.ts'
import type { AccountParts } from './parts.ts'

/** Writes down that a link was refused, after what was begun with it has been rolled back. */
export async function notingRefusal<result>({ audit, limits }: AccountParts, address: string, work: Promise<result>): Promise<result> {
  try {
    return await work
  } catch (error) {
    const isRefusal = error instanceof AppError && error.code === 'AUTH_INVALID_LINK'
    if (isRefusal && (await limits.mayNote('link.refused', address))) await audit.record({ action: 'link.refused', address })
    throw error
  }
}
