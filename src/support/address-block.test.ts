import { expect, test } from 'vitest'
import { addressBlock, addressNetworks } from './address-block.ts'

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::FFFF:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:0001:0002::9', '2001:db8:1:2::/64'],
  ['2001:db8::1:2:3:4:5', '2001:db8:0:1::/64'],
  ['2001:db8::', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
  ['unknown', 'unknown'],
  ['192.0.2.7:4711', '192.0.2.7:4711'],
  ['', ''],
  [undefined, 'unknown'],
])('%j is counted as %j', (address, block) => {
  expect(addressBlock(address)).toBe(block)
})

test.each([
  ['192.0.2.7', ['192.0.2.7', '192.0.2.0/24', '192.0.0.0/16']],
  ['::ffff:192.0.2.7', ['192.0.2.7', '192.0.2.0/24', '192.0.0.0/16']],
  ['2001:db8:1:2:3:4:5:6', ['2001:db8:1:2::/64', '2001:db8:1::/48', '2001:db8::/32']],
  ['::1', ['0:0:0:0::/64', '0:0:0::/48', '0:0::/32']],
  ['unknown', ['unknown', 'unknown', 'unknown']],
  [undefined, ['unknown', 'unknown', 'unknown']],
])('%j is in the networks %j', (address, networks) => {
  expect(addressNetworks(address)).toEqual(networks)
})
