// The part of an address that tells one client from another.

import { isIPv6 } from 'node:net'

/**
 * An IPv4 address as it is; of an IPv6 address the first 64 bits: that is what one connection to the internet gets, with 2^64 addresses to
 * choose from. An IPv4 address in its IPv6 form counts as the IPv4 address. What is no address stays what it is, and
 * a connection that was closed meanwhile has none.
 *
 * @example  `addressBlock('2001:db8:0:7::1')` is `2001:db8:0:7::/64`
 */
export function addressBlock(address: string | undefined): string {
  if (address === undefined) return 'unknown'
  if (!address.includes(':')) return address
  const [plain = ''] = address.split('%')
  if (!isIPv6(plain)) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1]
  return mapped ?? `${firstGroups(plain).join(':')}::/64`
}

/**
 * The networks that an address is in, from the narrow to the wide: its block, what a customer gets (IPv6: 48 bits, IPv4: 24), and what a
 * provider has (IPv6: 32 bits, IPv4: 16).
 *
 * @example  `addressNetworks('2001:db8:0:7::1')` is `['2001:db8:0:7::/64', '2001:db8:0::/48', '2001:db8::/32']`
 */
export function addressNetworks(address: string | undefined): readonly [block: string, customer: string, provider: string] {
  const block = addressBlock(address)
  const [separator, customer, provider] = block.endsWith('::/64') ? [':', '::/48', '::/32'] : ['.', '.0/24', '.0.0/16']
  const groups = block.replace('::/64', '').split(separator)
  // No address has no networks around it.
  if (groups.length !== 4) return [block, block, block]
  return [block, groups.slice(0, 3).join(separator) + customer, groups.slice(0, 2).join(separator) + provider]
}

function firstGroups(address: string): string[] {
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  // Four bytes at the end may be written as in IPv4: they are two groups.
  const length = before.length + after.length + (address.includes('.') ? 1 : 0)
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - length }, () => '0')
  return [...before, ...zeros, ...after].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
}
