// Where Redis is: `redis://host`, sentinels or the first nodes of a cluster, out of one URL.

export interface RedisHost {
  readonly host: string
  readonly port: number
}

export interface RedisAddress {
  readonly kind: 'single' | 'cluster' | 'sentinel'
  readonly tls: boolean
  /** The server, the sentinels, or some nodes of the cluster; at least one. */
  readonly hosts: readonly [RedisHost, ...RedisHost[]]
  readonly username?: string
  readonly password?: string
  readonly database: number
  /** Of sentinels: the name that they know the master by. */
  readonly master?: string
  /** Of sentinels, when they have one of their own. */
  readonly sentinelPassword?: string
}

const redisPort = 6_379
const sentinelPort = 26_379

/** `new URL` knows no list of hosts. A password may have an `@`: the last one ends it. */
const pattern = /^(rediss?)(?:\+(cluster|sentinel))?:\/\/(?:([^:/?#]*)(?::([^/?#]*))?@)?([^@/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/i

/** Undefined when `text` is none: another scheme, no host, a database that is no number, sentinels without the name of a master. */
export function parseRedisUrl(text: string): RedisAddress | undefined {
  const [, scheme = '', kind, username, password, places = '', path = '', query = ''] = pattern.exec(text) ?? []
  const sentinel = kind?.toLowerCase() === 'sentinel'
  const hosts = places.split(',').map((place) => parseHost(place, sentinel ? sentinelPort : redisPort))
  const [first, ...others] = hosts.filter((host) => host !== undefined)
  const [master, number = ''] = sentinel ? path.split('/') : [undefined, path]
  const database = /^\d{0,5}$/.test(number) ? Number(number) : undefined
  if (first === undefined || others.length + 1 < hosts.length || database === undefined || master === '') return undefined
  if (kind === undefined && others.length > 0) return undefined
  return {
    kind: sentinel ? 'sentinel' : kind === undefined ? 'single' : 'cluster',
    tls: scheme.toLowerCase() === 'rediss',
    hosts: [first, ...others],
    ...given('username', decode(username)),
    ...given('password', decode(password)),
    database,
    ...given('master', decode(master)),
    ...given('sentinelPassword', new URLSearchParams(query).get('sentinelPassword') ?? undefined),
  }
}

/** The same URL with a password, for one that has none. */
export function withRedisPassword(url: string, password: string): string {
  return url.replace(
    /^([^:]+:\/\/)(?:([^:@/?#]*):?@)?(?=[^@]*$)/,
    (_, scheme: string, username = '') => `${scheme}${username}:${encodeURIComponent(password)}@`,
  )
}

/** `host`, `host:port`, `[::1]:port`. */
function parseHost(place: string, defaultPort: number): RedisHost | undefined {
  const [, v6, name, port] = /^(?:\[([\da-f:.]+)\]|([^\s[\]:,]+))(?::(\d{1,5}))?$/i.exec(place.trim()) ?? []
  const host = v6 ?? name
  return host === undefined || Number(port) > 65_535 ? undefined : { host, port: Number(port ?? defaultPort) }
}

function given<name extends string>(name: name, value: string | undefined): { readonly [key in name]?: string } {
  return value === undefined || value === '' ? {} : ({ [name]: value } as { [key in name]: string })
}

/** A bare `%` is taken as it is. */
function decode(part: string | undefined): string | undefined {
  try {
    return part === undefined ? undefined : decodeURIComponent(part)
  } catch {
    return part
  }
}
