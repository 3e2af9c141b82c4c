// S12: only pages of listed origins read answers, and only with them are cookies let through. Origins are compared as a whole: every trick by
// which another one looks like a listed one is tried, on answers, refusals and preflights.

import { tmpdir } from 'node:os'
import { fastify, type FastifyInstance } from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readConfig } from '../../src/core/env.ts'
import { testServer } from '../support/http-server.ts'

const listed = ['https://app.example.com', 'https://admin.example.com:8443'] as const

/** What an attacker's page, or a frame or file of his, may have for an origin; and what no browser sends. */
const others = [
  'https://evil.test',
  'null',
  'http://app.example.com',
  'https://app.example.com:443',
  'https://app.example.com:8443',
  'https://admin.example.com',
  'https://example.com',
  'https://www.example.com',
  'https://x.app.example.com',
  'https://evilapp.example.com',
  'https://app.example.com.evil.test',
  'https://app.example.comevil.test',
  'https://app.example.com@evil.test',
  'https://evil.test/https://app.example.com',
  'https://evil.test?https://app.example.com',
  'https://evil.test#https://app.example.com',
  'https://appxexample.com',
  'https://app-example.com',
  'https://app.example.com`.evil.test',
  'https://app.example.com%60.evil.test',
  'https://app.example.com_.evil.test',
  'https://app.example.com,https://evil.test',
  'https://app.example.com https://evil.test',
  'https://evil.test https://app.example.com',
  'https://app.example.com/',
  'https://app.example.com.',
  'https://APP.example.com',
  'https://app.example.co',
  'https://app.example',
  'ttps://app.example.com',
  'file://',
  'chrome-extension://app.example.com',
  '*',
  'https://*',
  'https://*.example.com',
  'undefined',
  'true',
  '',
]

const requests = [
  { method: 'GET', url: '/' },
  { method: 'GET', url: '/absent' },
  { method: 'DELETE', url: '/' },
  { method: 'OPTIONS', url: '/', headers: { 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-evil' } },
  { method: 'OPTIONS', url: '/absent', headers: { 'access-control-request-method': 'POST' } },
] as const

/** What a browser would take for leave to let a page of `origin` read, or to send what is asked for; a sentence each. */
async function leaves(app: FastifyInstance, origin: string): Promise<string[]> {
  const found: string[] = []
  for (const { method, url, ...more } of requests) {
    const { headers } = await app.inject({ method, url, headers: { ...('headers' in more ? more.headers : {}), origin, cookie: 'a=1' } })
    const allowed = Object.keys(headers).filter((name) => name.startsWith('access-control-'))
    if (allowed.length > 0) found.push(`${method} ${url} from ${JSON.stringify(origin)}: ${allowed.join(', ')}`)
  }
  return found
}

async function leavesOfAll(app: FastifyInstance): Promise<string[]> {
  onTestFinished(() => app.close())
  return (await Promise.all(others.map((origin) => leaves(app, origin)))).flat()
}

function ours(env: Record<string, string>): FastifyInstance {
  const { app } = testServer(env)
  app.get('/', () => 'secret')
  app.post('/', () => 'done')
  return app
}

const withCookies = { CORS_ORIGINS: listed.join(','), CORS_CREDENTIALS: 'true' }

describe('S12: other origins', () => {
  test.each([
    ['with cookies', withCookies],
    ['without cookies', { CORS_ORIGINS: listed.join(',') }],
    ['with none listed', {}],
  ])('what is not listed is given nothing, %s', async (_what, env) => {
    expect(await leavesOfAll(ours(env))).toEqual([])
  })

  test.each(listed)('%s is given leave, by its name and with cookies', async (origin) => {
    const app = ours(withCookies)
    onTestFinished(() => app.close())
    const { headers } = await app.inject({ url: '/', headers: { origin } })
    expect(headers).toMatchObject({ 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true' })
    expect(await leaves(app, origin)).toHaveLength(requests.length)
  })

  test('what is sent to one origin is told apart from what is sent to another by caches in between', async () => {
    const app = ours(withCookies)
    onTestFinished(() => app.close())
    for (const origin of [undefined, 'https://evil.test', listed[0]])
      expect((await app.inject({ url: '/', headers: origin === undefined ? {} : { origin } })).headers['vary']).toMatch(/\bOrigin\b/i)
  })

  test('any origin is any origin by name, and never with cookies', async () => {
    const app = ours({ CORS_ORIGINS: '*' })
    onTestFinished(() => app.close())
    for (const origin of ['https://evil.test', 'null']) {
      const { headers } = await app.inject({ url: '/', headers: { origin } })
      expect(headers['access-control-allow-origin']).toBe('*')
      expect(headers).not.toHaveProperty('access-control-allow-credentials')
    }
    const unsafe = { APP_ENV: 'testing', CORS_ORIGINS: '*', CORS_CREDENTIALS: 'true' }
    expect(() => readConfig(unsafe, tmpdir())).toThrow(/CORS_CREDENTIALS/)
  })

  test.each(['https://*.example.com', 'null', 'https://app.example.com/path', 'app.example.com', 'https://user@app.example.com'])(
    '%s cannot be listed',
    (origin) => {
      expect(() => readConfig({ APP_ENV: 'testing', CORS_ORIGINS: origin }, tmpdir())).toThrow(/CORS_ORIGINS/)
    },
  )

  describe('the search finds', () => {
    test.each<[string, (origin: string) => boolean]>([
      ['any origin that is sent back', () => true],
      ['the null origin', (origin) => origin === 'null' || listed.includes(origin as never)],
      ['what begins as a listed one', (origin) => origin.startsWith(listed[0])],
      ['what ends as a listed one', (origin) => origin.endsWith('app.example.com')],
      ['what has a listed one in it', (origin) => origin.includes(listed[0])],
      ['a dot that stands for anything', (origin) => /^https:\/\/app.example.com$/.test(origin) || /^https:\/\/app.example/.test(origin)],
      ['every sub-domain', (origin) => /^https:\/\/([\w-]+\.)*example\.com$/.test(origin)],
      ['another scheme', (origin) => origin.replace(/^http:/, 'https:') === listed[0]],
      ['another port', (origin) => URL.canParse(origin) && new URL(origin).hostname === 'app.example.com'],
      ['a listed one in other letters', (origin) => origin.toLowerCase() === listed[0]],
    ])('%s', async (_fault, allows) => {
      const app = fastify().addHook('onRequest', async ({ headers: { origin } }, reply) => {
        if (origin !== undefined && allows(origin)) reply.header('access-control-allow-origin', origin)
      })
      app.get('/', () => 'secret')
      expect(await leavesOfAll(app)).not.toEqual([])
    })
  })
})
