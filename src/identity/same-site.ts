// Against forged requests (CSRF): a browser adds cookies to whatever any page makes it send, but it says which page that was, and no page
// can change what it says. Where it says nothing, nothing is believed: programs that are no browsers have tokens.

import type { Config } from '../core/config.ts'
import type { HttpRequest } from '../http/route.ts'

const harmless = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Whether a request that a cookie came with may change something. */
export type SameSite = (request: HttpRequest) => boolean

export function sameSite({ api, cors }: Config): SameSite {
  const listed = new Set([...(api.url === undefined ? [] : [new URL(api.url).origin]), ...(cors.credentials ? cors.origins : [])])
  return (request) => {
    const { origin, 'sec-fetch-site': site } = request.headers
    if (origin !== undefined && listed.has(origin)) return true
    // A sub-domain is the same site and still somebody else's page.
    if (site !== undefined && site !== 'same-origin') return false
    if (origin === undefined) return site === 'same-origin'
    return isOwn(origin, request)
  }
}

export function changesSomething({ method }: HttpRequest): boolean {
  return !harmless.has(method)
}

/**
 * Whether an origin is that of the host that was asked; a default port may be written or not. A page that came without TLS is not believed
 * where there is TLS: anybody on the way may have written it.
 */
function isOwn(origin: string, { host, protocol: asked }: HttpRequest): boolean {
  if (!URL.canParse(origin)) return false
  const { protocol, host: claimed } = new URL(origin)
  if (protocol !== 'https:' && asked === 'https') return false
  const own = `${protocol}//${host}`
  return URL.canParse(own) && new URL(own).host === claimed
}
