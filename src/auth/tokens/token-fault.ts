// What is wrong with a token. The log is told; the client hears AUTH_INVALID_TOKEN whatever it was.

/** Completes the sentence "The token …". */
export class TokenFault extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'TokenFault'
  }
}
