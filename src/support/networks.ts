// Which addresses belong to a list of networks: for the proxies that are trusted.

import { BlockList, isIP } from 'node:net'

const named: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', '169.254.0.0/16', 'fe80::/10'],
}

/** Why `network` is not one, or undefined when it is. Accepts an address, CIDR, `loopback` and `private`. */
export function networkProblem(network: string): string | undefined {
  if (Object.hasOwn(named, network)) return undefined
  const [address = '', prefix, ...rest] = network.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return `"${network}" is not an address, a network (10.0.0.0/8), loopback or private`
  if (prefix === undefined) return undefined
  const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN
  return bits >= 0 && bits <= (family === 4 ? 32 : 128) ? undefined : `"${network}" has an impossible prefix length`
}

/**
 * A test for addresses. An IPv4 address in its IPv6 form (`::ffff:10.0.0.1`) counts as the IPv4 address.
 *
 * @param networks  each valid after `networkProblem`
 */
export function networkMatcher(networks: readonly string[]): (address: string | undefined) => boolean {
  if (networks.length === 0) return () => false
  const list = new BlockList()
  for (const network of networks.flatMap((name) => (Object.hasOwn(named, name) ? (named[name] ?? []) : [name]))) add(list, network)
  const known = new Map<string, boolean>()
  return (address) => {
    if (address === undefined) return false
    let matches = known.get(address)
    if (matches !== undefined) return matches
    matches = contains(list, address)
    // Peers are few (proxies); a scan from many addresses must not grow this.
    if (known.size < 1_000) known.set(address, matches)
    return matches
  }
}

function add(list: BlockList, network: string): void {
  const [address = '', prefix] = network.split('/')
  const family = isIP(address) === 4 ? 'ipv4' : 'ipv6'
  if (prefix === undefined) list.addAddress(address, family)
  else list.addSubnet(address, Number(prefix), family)
}

function contains(list: BlockList, address: string): boolean {
  const plain = address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
  const family = isIP(plain)
  return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6')
}
