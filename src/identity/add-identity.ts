// The HTTP face of identity: who asks, found out for every request, and the routes under /auth.

import type { FastifyInstance } from 'fastify'
import type { Auth } from '../auth/create-auth.ts'
import type { Config } from '../core/config.ts'
import type { Logger } from '../core/log.ts'
import type { ReplyFormat } from '../rest/reply-format.ts'
import { accountRoutes } from './account-routes.ts'
import { apiKeyRoutes } from './api-key-routes.ts'
import { authenticateRequests } from './authenticate.ts'
import { cookieNames } from './cookies.ts'
import { addIdentityRoutes, type Face } from './face.ts'
import { invitationRoutes } from './invitation-routes.ts'
import { oauthRoutes } from './oauth-routes.ts'
import { passkeyRoutes } from './passkey-routes.ts'
import { sameSite } from './same-site.ts'
import { sessionRoutes } from './session-routes.ts'
import { signInRoutes } from './sign-in-routes.ts'
import { tenantRoutes } from './tenant-routes.ts'
import { totpRoutes } from './totp-routes.ts'

export interface IdentityParts {
  readonly auth: Auth
  readonly config: Config
  readonly format: ReplyFormat
  readonly log: Logger
}

/** To be called before any route is added: routes have the hooks that were there before them. */
export function addIdentity(fastify: FastifyInstance, { auth, config, format, log }: IdentityParts): void {
  const face: Face = { auth, format, cookies: cookieNames(config.env === 'production'), isSameSite: sameSite(config) }
  authenticateRequests(fastify, { ...face, log })
  addIdentityRoutes(fastify, [
    ...signInRoutes(face),
    ...accountRoutes(face),
    ...sessionRoutes(face),
    ...tenantRoutes(face),
    ...apiKeyRoutes(face),
    ...invitationRoutes(face),
    ...totpRoutes(face),
    ...passkeyRoutes(face, config.app.url),
    ...oauthRoutes(face, config.app.url),
  ])
}
