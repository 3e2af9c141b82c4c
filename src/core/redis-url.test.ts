import { describe, expect, test } from 'vitest'
import { parseRedisUrl, withRedisPassword } from './redis-url.ts'

describe('an address of Redis', () => {
  test('is one server, with TLS, a user, a database', () => {
    expect(parseRedisUrl('redis://cache')).toEqual({ kind: 'single', tls: false, hosts: [{ host: 'cache', port: 6379 }], database: 0 })
    expect(parseRedisUrl('rediss://app:p%40s%2Fs@[::1]:6380/3')).toEqual({
      kind: 'single',
      tls: true,
      hosts: [{ host: '::1', port: 6380 }],
      username: 'app',
      password: 'p@s/s',
      database: 3,
    })
  })

  test('is some nodes of a cluster', () => {
    expect(parseRedisUrl('redis+cluster://:secret@one:7000,two,three:7002')).toEqual({
      kind: 'cluster',
      tls: false,
      hosts: [
        { host: 'one', port: 7000 },
        { host: 'two', port: 6379 },
        { host: 'three', port: 7002 },
      ],
      password: 'secret',
      database: 0,
    })
  })

  test('is sentinels and the name of a master', () => {
    expect(parseRedisUrl('rediss+sentinel://:a@one,two:26380/main/2?sentinelPassword=b')).toEqual({
      kind: 'sentinel',
      tls: true,
      hosts: [
        { host: 'one', port: 26379 },
        { host: 'two', port: 26380 },
      ],
      password: 'a',
      database: 2,
      master: 'main',
      sentinelPassword: 'b',
    })
  })

  test.each([
    'http://cache',
    'redis://',
    'redis://one,two',
    'redis://one:99999',
    'redis://one/first',
    'redis+sentinel://one',
    'redis+cluster://one,,two',
    'cache:6379',
  ])('is not %s', (url) => {
    expect(parseRedisUrl(url)).toBeUndefined()
  })

  test.each([
    ['redis://cache', 'redis://:p%40ss@cache'],
    ['redis://ann@cache:1/2', 'redis://ann:p%40ss@cache:1/2'],
    ['redis+sentinel://one,two/main', 'redis+sentinel://:p%40ss@one,two/main'],
  ])('%s takes a password', (url, expected) => {
    expect(withRedisPassword(url, 'p@ss')).toBe(expected)
    expect(parseRedisUrl(expected)?.password).toBe('p@ss')
  })
})
