// How callers show who they are, as the document names it.

import type { Parts } from './openapi-parts.ts'

/** The way whose requests may do only what its scopes say. */
export const scopedScheme = 'apiKey'

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
    [scopedScheme]: {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'plinth_…',
      description: 'An API key: `POST /auth/keys`. Where it has scopes, it needs the one that the operation names, or `*`.',
    },
  }
}
