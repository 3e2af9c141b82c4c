import { expect, test } from 'vitest'
import { readConfig } from '../core/env.ts'
import type { HttpRequest } from '../http/route.ts'
import { sameSite } from './same-site.ts'

const isSameSite = sameSite(readConfig({ APP_ENV: 'testing' }, '/nowhere'))
const asked = (protocol: 'http' | 'https', origin: string, host = 'shop.example') =>
  isSameSite({ headers: { origin }, host, protocol } as unknown as HttpRequest)

test('a page that came without TLS is somebody else where there is TLS', () => {
  expect(asked('https', 'https://shop.example')).toBe(true)
  expect(asked('https', 'http://shop.example')).toBe(false)
  expect(asked('https', 'http://shop.example:443', 'shop.example:443')).toBe(false)
})

test('without TLS, or where a proxy ends it that nobody named, the host decides', () => {
  expect(asked('http', 'http://shop.example')).toBe(true)
  expect(asked('http', 'https://shop.example')).toBe(true)
  expect(asked('http', 'http://evil.example')).toBe(false)
})
