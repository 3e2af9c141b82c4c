import { expect, test } from 'vitest'
import { networkMatcher, networkProblem } from './networks.ts'

test.each([
  [['10.0.0.0/8'], '10.1.2.3', true],
  [['10.0.0.0/8'], '::ffff:10.1.2.3', true],
  [['10.0.0.0/8'], '11.0.0.1', false],
  [['loopback'], '127.0.0.1', true],
  [['loopback'], '::1', true],
  [['private'], '172.31.0.9', true],
  [['private'], '172.32.0.9', false],
  [['192.0.2.7'], '192.0.2.7', true],
  [['2001:db8::/32'], '2001:db8::5', true],
  [['0.0.0.0/0'], '::1', false],
  [[], '127.0.0.1', false],
  [['loopback'], undefined, false],
  [['loopback'], 'not an address', false],
])('%j contains %s: %s', (networks, address, contained) => {
  const matches = networkMatcher(networks)
  expect([matches(address), matches(address)]).toEqual([contained, contained])
})

test.each(['*', '10.0.0.0/33', '::/129', '10.0.0', '10.0.0.0/8/9', 'example.com', '10.0.0.0/', 'toString'])(
  '%s is not a network',
  (network) => {
    expect(networkProblem(network)).toContain(network)
  },
)

test.each(['10.0.0.1', '10.0.0.0/8', '::1', 'fe80::/10', 'loopback', 'private'])('%s is a network', (network) => {
  expect(networkProblem(network)).toBeUndefined()
})
