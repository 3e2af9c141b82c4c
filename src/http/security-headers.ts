// Headers that every answer carries unless its route has set its own. Made for JSON; pages set their own policy.

/**
 * Nothing may be framed, sniffed, cached or loaded from an API answer.
 *
 * @see OWASP ASVS 5.0, V3.4; HSTS is the business of whoever ends TLS
 */
export const securityHeaders = Object.freeze({
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
})
