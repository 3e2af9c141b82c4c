// The reference page as a browser sees it: every operation, no other host, nothing that its policy refuses.

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blog } from '../../test/support/blog.ts'
import { browserProgram, openBrowser, watchPage } from '../../test/support/browser.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import { type TestApp, testApp } from '../testing/test-app.ts'

let running: TestApp
let origin: string

beforeAll(async () => {
  running = await testApp(blog({}, { name: 'Blog <&>' }), { url: testDatabase().url })
  await running.post('/api/tags', { name: 'crimson' })
  origin = (await running.app.start()).url
})
afterAll(() => running.close())

async function assetPaths(): Promise<string[]> {
  const { text } = await running.get('/docs')
  return [...text.matchAll(/(?:src|href)="(\/docs\/assets\/[^"]+)"/g)].map(([, path = '']) => path)
}

test('the page lets nothing in from other hosts and nothing inline', async () => {
  const { headers, text } = await running.get('/docs')
  expect(headers['content-type']).toBe('text/html; charset=utf-8')
  expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
  expect(headers['content-security-policy']).not.toContain('unsafe')
  expect(text).not.toMatch(/<script(?![^>]* src=)|<style|https?:/)
  expect(text).toContain('<title>Blog &lt;&amp;&gt; API</title>')
})

test('its files have the hash of their content in their names and may be kept for ever', async () => {
  const paths = await assetPaths()
  expect(paths).toHaveLength(4)
  for (const path of paths) {
    const { status, headers } = await running.get(path, { 'accept-encoding': 'gzip, br' })
    expect(path).toMatch(/\.[\da-f]{10}\.(css|js)$/)
    expect(status).toBe(200)
    expect(headers).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      'content-encoding': 'gzip',
      vary: 'accept-encoding',
    })
  }
})

test('a file is sent as it is to those who do not take gzip', async () => {
  const [path = ''] = await assetPaths()
  for (const encoding of ['identity', 'br', 'gzip;q=0, br']) {
    const { headers, text } = await running.get(path, { 'accept-encoding': encoding })
    expect(headers).not.toHaveProperty('content-encoding')
    expect(text).toContain('.swagger-ui')
  }
})

test('a file that the page does not have is not found', async () => {
  for (const path of ['/docs/assets/page.0000000000.css', '/docs/assets/..%2fpage.css', '/docs/assets/package.json']) {
    const { status, body } = await running.get(path)
    expect(status).toBe(404)
    expect(body).toMatchObject({ success: false, code: 'HTTP_NOT_FOUND' })
  }
})

test('the description is sent with an entity tag, and not again to those who have it', async () => {
  const first = await running.get('/openapi.json')
  expect(first.body.openapi).toBe('3.1.0')
  const again = await running.get('/openapi.json', { 'if-none-match': String(first.headers.etag) })
  expect(again.status).toBe(304)
  expect(again.text).toBe('')
})

const program = browserProgram()
if (program === undefined)
  process.emitWarning('NOT TESTED: the reference page in a browser, because this machine has no Chromium (apt-get install chromium).')

describe.skipIf(program === undefined)('in a browser', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await openBrowser(program ?? '')
  })
  afterAll(() => browser.close())

  test('it shows every operation, asks no other host, and breaks no rule of its policy', async () => {
    const { page, requests, complaints, violations } = await watchPage(browser)
    await page.goto(`${origin}/docs`)
    await page.locator('#operations-tags-createTag').waitFor()
    const { paths } = (await running.get('/openapi.json')).body as { paths: Record<string, object> }
    const operations = Object.values(paths).flatMap((item) => Object.keys(item).filter((key) => key !== 'parameters'))
    expect(await page.locator('.opblock').count()).toBe(operations.length)
    expect(await page.locator('#contents li').count()).toBe(operations.length)
    expect(requests.filter((url) => new URL(url).origin !== origin && !url.startsWith('data:'))).toEqual([])
    expect(complaints).toEqual([])
    expect(await violations()).toEqual([])
    // The control: what the policy refuses is seen.
    await page.evaluate(`document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.broken = true' }))`)
    expect(await violations()).toEqual(['script-src-elem inline'])
    await page.close()
  })

  test('a request can be tried, also with a filter', async () => {
    const { page, complaints, violations } = await watchPage(browser)
    await page.goto(`${origin}/docs#/tags/listTags`)
    const list = page.locator('#operations-tags-listTags')
    const filter = list.locator('tr[data-param-name="filter[name]"] input')
    await list.getByRole('button', { name: /^Show \d+ filters$/ }).click()
    await filter.fill('crimson')
    await list.locator('button.execute').click()
    await list.locator('.live-responses-table', { hasText: '"crimson"' }).waitFor()
    expect(complaints).toEqual([])
    expect(await violations()).toEqual([])
    await page.close()
  })

  test('a link of the sidebar opens its operation', async () => {
    const { page } = await watchPage(browser)
    await page.goto(`${origin}/docs`)
    await page.locator('#search').fill('create tags')
    await page.getByRole('link', { name: 'Create tags' }).click()
    await page.locator('#operations-tags-createTag .opblock-body').waitFor()
    expect(await page.locator('#contents li:visible').count()).toBe(1)
    await page.close()
  })
})
