// Request bodies: JSON, read strictly, and nothing else unless a plugin adds its own parser.

import type { FastifyInstance } from 'fastify'
import type { LimitsConfig } from '../core/config.ts'
import { JsonProblem, parseJson } from '../support/strict-json.ts'
import { httpErrors } from './errors.ts'

/** A merge patch (RFC 7396) is what PATCH takes anyway. */
const mediaTypes = ['application/json', 'application/merge-patch+json']

/** An empty body is no body: clients send `Content-Type: application/json` with a DELETE. Who needs one says so. */
export function readJsonBodies(app: FastifyInstance, limits: LimitsConfig): void {
  const jsonLimits = { depth: limits.jsonDepth, keys: limits.jsonKeys, arrayItems: limits.arrayItems }
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(mediaTypes, { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    const encoding = request.headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity')
      return done(httpErrors.UNSUPPORTED_MEDIA_TYPE('Send the body without Content-Encoding.'))
    if (body.length === 0) return done(null, undefined)
    try {
      return done(null, parseJson(body, jsonLimits))
    } catch (error) {
      return done(error instanceof JsonProblem ? invalidJson(error) : (error as Error))
    }
  })
}

function invalidJson(problem: JsonProblem): Error {
  const details = problem.path === '' ? [] : [{ field: problem.path, code: 'HTTP_INVALID_JSON', message: `${problem.message}.` }]
  return httpErrors.INVALID_JSON(`${problem.message} (byte ${problem.position})`).with({ details, cause: problem })
}
