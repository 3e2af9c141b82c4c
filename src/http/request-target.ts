// The request line and Host, as far as Node's parser and the router let mistakes pass.

import type { IncomingMessage } from 'node:http'
import type { AppError } from '../core/errors.ts'
import { httpErrors } from './errors.ts'

/**
 * What is wrong with the address of a request, if anything. A broken encoding in the path never comes here: the router refuses it.
 *
 * @param urlBytes  longest address; the URL is ASCII here, so characters are bytes
 */
export function targetProblem(request: IncomingMessage, urlBytes: number): AppError | undefined {
  const url = request.url ?? '/'
  if (url.length > urlBytes) return httpErrors.URL_TOO_LONG(`${urlBytes} bytes`)
  if (request.headers.host === undefined && request.httpVersion !== '1.0') return httpErrors.MALFORMED_REQUEST()
  return url.includes('%') ? encodingProblem(url) : undefined
}

function encodingProblem(url: string): AppError | undefined {
  if (url.includes('%00')) return httpErrors.INVALID_URL('has a NUL character')
  try {
    decodeURIComponent(url)
    return undefined
  } catch {
    return httpErrors.INVALID_URL('has a broken percent-encoding')
  }
}

/** `http://host/path` (which a server must accept, RFC 9112 3.2.2) as `/path`; everything else as it is. */
export function originForm({ url = '/' }: { readonly url?: string | undefined }): string {
  if (url.charCodeAt(0) === 47 /* / */) return url
  const path = /^https?:\/\/[^/?#]*(.*)$/i.exec(url)?.[1]
  if (path === undefined) return url
  return path.startsWith('/') ? path : `/${path}`
}
