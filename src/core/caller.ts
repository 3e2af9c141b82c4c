// Who asks, as every room sees it. Plain data: made once by whoever authenticates a request, read by policies, caches, logs.

export interface Caller {
  /** `service`: another program of ours, by a token of its own. */
  readonly kind: 'anonymous' | 'user' | 'service'
  /** Primary key of the user as text, or the name of the service; undefined for nobody. */
  readonly id: string | undefined
  /** Names, in order, each once. */
  readonly roles: readonly string[]
  /** Of all roles together; names, in order, each once. */
  readonly permissions: readonly string[]
  /** What this token or key may be used for, of all that the caller may do; undefined: everything. */
  readonly scopes: readonly string[] | undefined
  /** Primary key, as text, of the tenant that the request acts in; undefined for none. */
  readonly tenant: string | undefined
  /** Names the session or key that was shown, for logs and for its end; no secret. */
  readonly credential: string | undefined
}

/** Nobody has signed in. */
export const anonymousCaller: Caller = Object.freeze({
  kind: 'anonymous',
  id: undefined,
  roles: [],
  permissions: [],
  scopes: undefined,
  tenant: undefined,
  credential: undefined,
})
