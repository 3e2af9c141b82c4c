// What the HTTP server itself refuses, before or beside any resource.

import { defineErrors } from '../core/errors.ts'

export const httpErrors = defineErrors('HTTP', {
  MALFORMED_REQUEST: {
    status: 400,
    summary: 'The bytes on the connection are not an HTTP request this server understands.',
    message: () => 'The request is not valid HTTP.',
  },
  INVALID_URL: {
    status: 400,
    summary: 'The address has a broken percent-encoding or a character that no address may have.',
    message: (problem: string) => `The address of the request ${problem}.`,
    hint: () => 'Encode each value with encodeURIComponent; the encoding is UTF-8.',
  },
  INVALID_JSON: {
    status: 400,
    summary: 'The body is not JSON, or is JSON that two readers could understand differently (duplicate keys, broken text).',
    message: (problem: string) => `The body is not acceptable JSON: ${problem}.`,
  },
  INVALID_INPUT: {
    status: 400,
    summary: 'The body, query or parameters of a custom route do not fit its schema. `details` names each field.',
    message: (part: string) => `The ${part} of the request is not valid.`,
  },
  INCOMPLETE_BODY: {
    status: 400,
    summary: 'The connection ended before the whole body had arrived, or the body is longer than announced.',
    message: () => 'The body does not have the length that Content-Length announced.',
  },
  NOT_FOUND: {
    status: 404,
    summary: 'No route has this address.',
    message: () => 'There is nothing at this address.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    summary: 'The address exists, but not with this method. `Allow` lists the methods it has.',
    message: (_allowed: string) => 'This address does not have that method.',
    hint: (allowed: string) => `It has ${allowed}.`,
  },
  REQUEST_TIMEOUT: {
    status: 408,
    summary: 'The client took too long to send its request.',
    message: () => 'The request did not arrive in time.',
  },
  BODY_TOO_LARGE: {
    status: 413,
    summary: 'The body is larger than BODY_LIMIT, or than the limit of its route.',
    message: (limit?: string) => (limit === undefined ? 'The body is too large.' : `The body is larger than ${limit}.`),
  },
  URL_TOO_LONG: {
    status: 414,
    summary: 'The address is longer than URL_LIMIT.',
    message: (limit: string) => `The address of the request is longer than ${limit}.`,
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    summary: 'The body has a content type or content encoding that this route does not read.',
    message: (_accepted?: string) => 'The body has a content type that is not accepted here.',
    hint: (accepted?: string) => accepted ?? 'Send application/json.',
  },
  RATE_LIMITED: {
    status: 429,
    summary: 'More requests than a rate limit allows. Nothing was done for this one; `Retry-After` says when the next may be allowed.',
    message: (limit: string, _seconds: number) => `There were too many requests: ${limit} are allowed.`,
    hint: (_limit: string, seconds: number) => `Nothing was done. Send the request again in ${seconds} s.`,
  },
  INVALID_RATE_LIMITS: {
    status: 500,
    summary: 'Rate limits of the application or of custom routes are not usable. Every mistake is listed and the start is refused.',
    message: (problems: readonly string[]) => `Rate limits have mistakes:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
  },
  TOKEN_TOO_LARGE: {
    status: 401,
    summary: 'The token in the Authorization header makes the headers larger than HEADER_LIMIT. It was not read.',
    message: () => 'The token that was shown is not accepted.',
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    summary: 'The request line and headers together are larger than HEADER_LIMIT.',
    message: () => 'The headers of the request are too large.',
  },
  OVERLOADED: {
    status: 503,
    summary:
      'More requests at once than IN_FLIGHT_LIMIT allows, larger bodies on their way than ARRIVING_LIMIT, or more than the event loop can follow. Nothing was done for this one.',
    message: () => 'The server has too many requests at once.',
    hint: () => 'Nothing was done. Send the request again in a moment.',
  },
  TIMEOUT: {
    status: 503,
    summary: 'The answer was not ready within HANDLER_TIMEOUT.',
    message: () => 'The answer was not ready in time.',
    hint: () => 'Try again in a moment.',
  },
})
