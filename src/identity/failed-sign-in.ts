// Sign-ins by passkey and by another site that fail, in the audit as those by password are.

import { AppError } from '../core/errors.ts'
import type { HttpRequest } from '../http/route.ts'
import type { Face } from './face.ts'

/**
 * Writes down that a sign-in was refused. Anybody can make one fail, so an address that did so often is refused for that instead, and nothing is written.
 *
 * @param by  the way in: `{ passkey: true }`
 * @throws    what `work` throws; AppError AUTH_TOO_MANY_TRIES
 */
export async function notingFailure<result>(
  { auth }: Face,
  request: HttpRequest,
  by: Readonly<Record<string, unknown>>,
  work: Promise<result>,
): Promise<result> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof AppError) || error.status >= 500) throw error
    await auth.parts.limits.begin('failure', request.ip)
    await auth.audit.record({ action: 'sign_in.failed', address: request.ip, details: by })
    throw error
  }
}
