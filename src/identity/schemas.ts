// Bodies and replies of the routes of identity, as JSON Schema: what Fastify checks, and what the OpenAPI document says.

import type { JsonSchema } from '../model/kinds/kind.ts'
import type { ReplyFormat } from '../rest/reply-format.ts'

/** Longer ones are refused before anything is done with them. */
const longestSecret = 1_024

export const emailSchema: JsonSchema = { type: 'string', minLength: 3, maxLength: 320, examples: ['ann@example.com'] }
export const passwordSchema: JsonSchema = {
  type: 'string',
  maxLength: longestSecret,
  description: 'At least 8 characters; compared after NFKC.',
  format: 'password',
}
export const tokenSchema: JsonSchema = { type: 'string', maxLength: longestSecret }

/** Every property is required, unless it is in `optional`; nothing else is taken. */
export function objectOf(properties: Readonly<Record<string, JsonSchema>>, optional: readonly string[] = []): JsonSchema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  return { type: 'object', additionalProperties: false, properties, ...(required.length === 0 ? {} : { required }) }
}

const names: JsonSchema = { type: 'array', items: { type: 'string' } }
const moment: JsonSchema = { type: 'string', format: 'date-time' }

export const userSchema = objectOf({
  id: { type: 'string' },
  email: { type: 'string' },
  email_verified: { type: 'boolean' },
  roles: names,
  permissions: names,
})

export const signedInSchema = objectOf(
  {
    user: userSchema,
    access_token: { type: 'string', description: 'Only with `mode: token`. Shown as `Authorization: Bearer …`.' },
    token_type: { type: 'string', enum: ['Bearer'] },
    expires_in: { type: 'integer', description: 'Seconds that the access token is good for.' },
    refresh_token: { type: 'string', description: 'Exchanged for the next one by `/auth/refresh`; good once.' },
    device: {
      type: 'string',
      description: 'Only with `mode: token`. To be kept, and sent with the next sign-in: it has tries of its own.',
    },
  },
  ['access_token', 'token_type', 'expires_in', 'refresh_token', 'device'],
)

export const deviceSchema: JsonSchema = {
  type: 'string',
  maxLength: 256,
  description: 'What a reply with `mode: token` gave. Browsers have a cookie.',
}

export const modeSchema: JsonSchema = {
  type: 'string',
  enum: ['cookie', 'token'],
  default: 'cookie',
  description: '`cookie` for pages in a browser, `token` for everything else.',
}

export const sessionSchema = objectOf({
  handle: { type: 'string', description: 'Names the session; nobody can use it with that.' },
  current: { type: 'boolean' },
  created_at: moment,
  seen_at: moment,
  expires_at: moment,
  address: { type: ['string', 'null'] },
  agent: { type: ['string', 'null'] },
})

/** A reply as the application's format frames it. */
export function framed({ name }: ReplyFormat, description: string, data: JsonSchema): JsonSchema {
  if (name !== 'envelope') return { ...data, description }
  return { ...objectOf({ success: { type: 'boolean', enum: [true] }, data, meta: { type: 'object' } }), description }
}

export const noContent: JsonSchema = { type: 'null', description: 'Done.' }
