// The cookies of identity: the session, which nobody but the browser may see, what a device is known by that signed in before, and what
// belongs to a sign-in by another site.

import type { HttpReply, HttpRequest } from '../http/route.ts'

export interface CookieNames {
  readonly session: string
  readonly device: string
  /** Of somebody who is away at another site to sign in. */
  readonly away: string
}

/** A browser takes `__Host-` only over TLS, from this host and for all of it: no sub-domain can plant such a cookie. */
export function cookieNames(isProduction: boolean): CookieNames {
  const prefix = isProduction ? '__Host-' : ''
  return { session: `${prefix}session`, device: `${prefix}device`, away: `${prefix}away` }
}

/** Of a cookie that was sent twice, nothing is believed: one of the two was planted. */
export function readCookie({ headers }: Pick<HttpRequest, 'headers'>, name: string): string | undefined {
  const { cookie } = headers
  if (cookie === undefined || !cookie.includes(name)) return undefined
  const values = cookie.split(';').flatMap((pair) => {
    const [key, value] = pair.trim().split('=', 2)
    return key === name && value !== undefined ? [value] : []
  })
  return values.length === 1 ? values[0] : undefined
}

/** @param maxAgeMs  0 removes it */
export function setCookie(reply: HttpReply, name: string, value: string, maxAgeMs: number): void {
  const secure = name.startsWith('__Host-') ? '; Secure' : ''
  const cookie = `${name}=${value}; Path=/; Max-Age=${Math.floor(maxAgeMs / 1_000)}; HttpOnly; SameSite=Lax${secure}`
  const before = reply.getHeader('set-cookie')
  reply.removeHeader('set-cookie')
  reply.header('set-cookie', [...[before ?? []].flat().map(String), cookie])
}
