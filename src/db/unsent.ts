// Which failures came before anything was sent: whoever meets one knows that nothing was done.

import type { AppError } from '../core/errors.ts'

const unsent = new WeakSet<AppError>()

/** Notes that no statement was sent when this error came. @returns the error */
export function asUnsent(error: AppError): AppError {
  unsent.add(error)
  return error
}

export function isUnsent(error: AppError): boolean {
  return unsent.has(error)
}
