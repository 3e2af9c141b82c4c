// inet, cidr, macaddr, macaddr8.

import { isIPv4, isIPv6 } from 'node:net'
import type { Kind, Parsed } from './kind.ts'
import { ordered, parseMatching, refuse, wrongType } from './parsed.ts'

export const inet = networkKind('inet', parseAddress, '192.0.2.7')
export const cidr = networkKind('cidr', parseNetwork, '192.0.2.0/24')
export const macaddr = macKind(6)
export const macaddr8 = macKind(8)

function networkKind(format: string, parseText: (text: string) => Parsed, sample: string): Kind {
  return {
    name: 'network',
    encoding: 'quoted',
    operators: ordered,
    sortable: true,
    jsonSchema: () => ({ type: 'string', format, maxLength: 49 }),
    parse: (value) => (typeof value === 'string' ? parseText(value) : wrongType('a network address', value)),
    parseText,
    canonical: canonicalAddress,
    decode: (text) => text,
    example: () => sample,
  }
}

function parseAddress(text: string): Parsed {
  const [address = '', length, ...rest] = text.split('/')
  const bits = bitsOf(address)
  const prefix = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN
  if (bits > 0 && prefix <= bits && rest.length === 0) return { value: text.toLowerCase() }
  return refuse('must be an IP address, with or without a prefix length', 'As in 192.0.2.7, 192.0.2.0/24 or 2001:db8::1.')
}

/** Unlike an inet, a cidr has nothing but zeros behind its prefix. */
function parseNetwork(text: string): Parsed {
  const parsed = parseAddress(text)
  if (!('value' in parsed)) return parsed
  const [address = '', length] = parsed.value.split('/')
  if (length === undefined) return parsed
  return hostBits(address, Number(length)) ? refuse('must have no bits set behind its prefix length', 'As in 192.0.2.0/24.') : parsed
}

function bitsOf(address: string): number {
  if (isIPv4(address)) return 32
  return isIPv6(address) && !address.includes('%') ? 128 : 0
}

/** All bits and the prefix length, whatever was left out in writing. */
function canonicalAddress(text: string): string {
  const [address = '', length = String(bitsOf(address))] = text.split('/')
  return `${addressBits(address)}/${Number(length)}`
}

function hostBits(address: string, prefix: number): boolean {
  const bits = addressBits(address)
  return bits.slice(prefix).includes('1')
}

function addressBits(address: string): string {
  if (isIPv4(address))
    return address
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('')
  const [head = '', tail] = ipv6Groups(address).split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0')
  return [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('')
}

/** `::ffff:192.0.2.1` → `::ffff:c000:201` */
function ipv6Groups(address: string): string {
  return address.replace(
    /(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
    (_, a, b, c, d) => `${(Number(a) * 256 + Number(b)).toString(16)}:${(Number(c) * 256 + Number(d)).toString(16)}`,
  )
}

function macKind(bytes: number): Kind {
  const byte = '[\\da-fA-F]{2}'
  // PostgreSQL takes either separator, and not both in one address.
  const pattern = `^${byte}((:${byte}){${bytes - 1}}|(-${byte}){${bytes - 1}})$`
  const matcher = new RegExp(pattern)
  const sample = bytes === 6 ? '08:00:2b:01:02:03' : '08:00:2b:ff:fe:01:02:03'
  const parse = (value: unknown): Parsed => parseMatching(value, matcher, `a MAC address of ${bytes} bytes`, `As in ${sample}.`)
  return {
    name: 'network',
    encoding: 'quoted',
    operators: ordered,
    sortable: true,
    jsonSchema: () => ({ type: 'string', pattern }),
    parse,
    parseText: parse,
    canonical: (text) => text.toLowerCase().replaceAll('-', ':'),
    decode: (text) => text,
    example: () => sample,
  }
}
