// Why a write with an Idempotency-Key is refused. Nothing has been done then.

import { defineErrors } from '../../core/errors.ts'

export const idempotencyErrors = defineErrors('IDEMPOTENCY', {
  INVALID_KEY: {
    status: 400,
    summary: 'The Idempotency-Key has no or more than 255 characters, or one that is not visible ASCII.',
    message: (most: number) => `An Idempotency-Key has 1 to ${most} visible ASCII characters.`,
    hint: () => 'Send a new UUID with each new request, and the same one when you repeat it.',
  },
  KEY_REUSED: {
    status: 422,
    summary: 'The Idempotency-Key belongs to an earlier request with another method, address or body.',
    message: () => 'This Idempotency-Key was sent with another request.',
    hint: () => 'Repeat that request as it was, or send this one with a new key.',
  },
  IN_PROGRESS: {
    status: 409,
    summary: 'The first request with this Idempotency-Key is still being worked on, and the wait for its answer was too long.',
    message: () => 'The first request with this Idempotency-Key is still being worked on.',
    hint: () => 'Repeat the request in a moment: it gets the answer of the first.',
  },
  ANSWER_TOO_LARGE: {
    status: 400,
    summary: 'The answer to a request with an Idempotency-Key would be larger than what is kept. Nothing was changed.',
    message: (most: string) => `The answer would be larger than the ${most} that are kept of one; nothing was changed.`,
    hint: () => 'Send fewer records at once.',
  },
  STREAM: {
    status: 500,
    summary:
      'A route of `app.idempotent()` has a stream as its answer, or as the body of a request with an Idempotency-Key. Nothing was changed.',
    message: (_of: 'request' | 'answer') => 'The route cannot take an Idempotency-Key.',
    hint: (of: 'request' | 'answer') =>
      of === 'request'
        ? 'A stream cannot be compared with what the key was sent with before: let a content type parser read the body into memory.'
        : 'A stream cannot be kept for repetitions: answer with bytes, text or data, or send the stream by a route without app.idempotent().',
  },
  NOT_INSTALLED: {
    status: 500,
    summary:
      'The database has no table for the answers to requests with an Idempotency-Key, because `plinth db upgrade` has not run since, or its role may not use it.',
    message: (_why: 'missing' | 'forbidden') => 'The database cannot keep answers to requests with an Idempotency-Key.',
    hint: (why: 'missing' | 'forbidden') =>
      why === 'missing'
        ? 'Run: plinth db upgrade'
        : "Let the application's role have it: grant select, insert, update, delete on plinth.idempotency.",
  },
})
