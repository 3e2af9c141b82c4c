// What is wrong with a token. The log is told; the client hears AUTH_INVALID_TOKEN whatever it was.

import { type AppError, withoutStacks } from '../../core/errors.ts'
import { authErrors } from '../errors.ts'

/** Completes the sentence "The token …". */
export class TokenFault extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'TokenFault'
  }
}

/** Made without a stack, which costs more than the check: anybody can send as many as he likes. */
export function invalidToken(fault: TokenFault | string): AppError {
  return withoutStacks(() => authErrors.INVALID_TOKEN().with({ cause: typeof fault === 'string' ? new TokenFault(fault) : fault }))
}
