// How callers show who they are, as the document names it.

import type { Parts } from './openapi-parts.ts'

/** Names that operations refer to: `[{ bearer: [] }, { cookie: [] }]`. */
export function securitySchemes(isProduction: boolean): Parts {
  return {
    bearer: {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description: 'An access token: `POST /auth/sign-in` with `mode: token`.',
    },
    cookie: {
      type: 'apiKey',
      in: 'cookie',
      name: isProduction ? '__Host-session' : 'session',
      description: 'A session of a browser: `POST /auth/sign-in`. Requests that change something must come from a page of the same origin.',
    },
  }
}
