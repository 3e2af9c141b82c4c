import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { anyone, defineResource, role, signedIn } from 'plinth'
import { pgTable, serial } from 'plinth/db'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { bearer, Browser, identityApp, password, tokensOf } from '../../test/support/identity-app.ts'
import { compileDocument } from '../../test/support/openapi.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import type { TestApp } from '../testing/test-app.ts'

const require = createRequire(import.meta.url)
let app: TestApp
// oxlint-disable-next-line typescript/no-explicit-any -- documents are walked without types
type Json = any
let document: Json
beforeAll(async () => {
  app = await identityApp(testDatabase().url)
  document = (await app.get('/openapi.json')).body
  await app.app.auth?.accounts.create({ email: 'ann@example.com', password })
})
afterAll(() => app.close())

test('the document says how to sign in, and which operations ask who the caller is', () => {
  expect(document.components.securitySchemes).toMatchObject({ bearer: { scheme: 'bearer' }, cookie: { in: 'cookie', name: 'session' } })
  expect(document.paths['/auth/me'].get.security).toEqual([{ bearer: [] }, { cookie: [] }])
  expect(document.paths['/auth/sign-in'].post.security).toBeUndefined()
  const paths = Object.keys(document.paths).filter((path) => path.startsWith('/auth/'))
  expect(paths).toEqual(
    app.app.routes
      .map(({ path }) => path.replaceAll(/:(\w+)/g, '{$1}'))
      .filter((path, at, all) => path.startsWith('/auth/') && all.indexOf(path) === at),
  )
})

test('an operation names the scope that an API key needs for it, and no key manages an account', async () => {
  const kept = pgTable('kept', { id: serial().primaryKey() })
  const app = await identityApp(testDatabase().url, {
    models: undefined,
    resources: [defineResource(kept, { access: { list: anyone, get: signedIn, create: role('editor') } })],
  })
  onTestFinished(() => app.close())
  const { paths, components } = (await app.get('/openapi.json')).body
  const ways = (scopes: string[]): object[] => [{ bearer: [] }, { cookie: [] }, { apiKey: scopes }]
  expect(components.securitySchemes.apiKey).toMatchObject({ type: 'http', scheme: 'bearer' })
  expect(paths['/api/kept'].get.security).toEqual([{}, ...ways([])])
  expect(paths['/api/kept/{id}'].get.security).toEqual(ways(['kept:read']))
  expect(paths['/api/kept'].post.security).toEqual(ways(['kept:write']))
  const asking = Object.entries<Json>(paths).filter(([path]) => path.startsWith('/auth/'))
  for (const [path, item] of asking)
    for (const [method, { security = [], responses }] of Object.entries<Json>(item)) {
      expect(
        security.some((way: object) => 'apiKey' in way),
        path,
      ).toBe(false)
      expect(
        ['401', '403'].every((status) => status in responses),
        `${method} ${path}`,
      ).toBe(security.length > 0)
    }
})

/** What a linter of the public says of a document. */
async function linted(of: Json): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plinth-openapi-'))
  const file = join(folder, 'openapi.json')
  await writeFile(file, JSON.stringify(of))
  const args = [require.resolve('@redocly/cli/bin/cli.js'), 'lint', '--skip-rule=info-license', file]
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', NO_COLOR: '1' }
  try {
    const said = await promisify(execFile)(process.execPath, args, { timeout: 25_000, env }).catch((error: unknown) => error)
    const { stdout, stderr } = said as { readonly stdout: string; readonly stderr: string }
    return stdout + stderr
  } finally {
    await rm(folder, { recursive: true })
  }
}

test('a linter of the public finds no fault with it, and one that is planted', async () => {
  const planted = structuredClone(document)
  delete planted.paths['/auth/sessions/{handle}'].delete.parameters
  const [own, other] = await Promise.all([linted(document), linted(planted)])
  expect(own).toMatch(/API description is valid/)
  expect(own).not.toMatch(/warning|error/i)
  expect(other).toContain('/auth/sessions/{handle}')
})

test('replies are as the document says', async () => {
  const compiled = compileDocument(document)
  const { access_token, refresh_token } = await tokensOf(app, 'ann@example.com')
  const browser = new Browser(app)
  const replies = [
    ['POST', '/auth/sign-in', await browser.signIn('ann@example.com')],
    ['GET', '/auth/me', await app.get('/auth/me', bearer(access_token))],
    ['GET', '/auth/sessions', await browser.send('GET', '/auth/sessions')],
    ['POST', '/auth/refresh', await app.post('/auth/refresh', { refresh_token })],
    ['POST', '/auth/request-password-reset', await browser.send('POST', '/auth/request-password-reset', { email: 'ann@example.com' })],
    ['POST', '/auth/sign-up', await browser.send('POST', '/auth/sign-up', { email: 'bob@example.com', password })],
    ['GET', '/.well-known/jwks.json', await app.get('/.well-known/jwks.json')],
    ['POST', '/auth/sign-in', await browser.signIn('ann@example.com', 'wrong')],
    ['POST', '/auth/sign-in', await browser.send('POST', '/auth/sign-in', { email: 5 })],
  ] as const
  for (const [method, path, { status, body }] of replies) {
    const schema = compiled.replySchema(method, path, status)
    expect([path, schema === undefined ? 'no schema' : compiled.fits(schema, body)]).toEqual([path, []])
  }
})
