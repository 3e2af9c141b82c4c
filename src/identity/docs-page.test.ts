// Signing in on the reference page: what is tried there comes from whoever signed in, and from nobody after signing out.

import { defineResource, signedIn } from 'plinth'
import { pgTable, serial, text } from 'plinth/db'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import notesApp from '../../examples/notes/api/app.ts'
import { browserProgram, openBrowser, watchPage } from '../../test/support/browser.ts'
import { identityApp, password, tokensOf } from '../../test/support/identity-app.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import { testApp, type TestApp } from '../testing/test-app.ts'

const lines = pgTable('lines', { id: serial().primaryKey(), body: text().notNull() })

const program = browserProgram()
if (program === undefined)
  process.emitWarning('NOT TESTED: signing in on the reference page, because this machine has no Chromium (apt-get install chromium).')

describe.skipIf(program === undefined)('the reference page of an application whose users sign in', () => {
  let app: TestApp
  let origin: string
  let browser: Browser

  beforeAll(async () => {
    const resources = [defineResource(lines, { access: { read: signedIn, write: signedIn } })]
    app = await identityApp(testDatabase().url, { models: undefined, resources })
    await app.app.auth?.accounts.create({ email: 'ann@example.com', password })
    origin = (await app.app.start()).url
    browser = await openBrowser(program ?? '')
  })
  afterAll(async () => {
    await browser.close()
    await app.close()
  })

  async function open(): Promise<Awaited<ReturnType<typeof watchPage>>> {
    const watched = await watchPage(browser)
    await watched.page.goto(`${origin}/docs#/lines/createLine`)
    await watched.page.locator('#operations-lines-createLine button.execute').waitFor()
    return watched
  }

  /** Sends the example of creating a line. @returns the status of the answer */
  async function tryCreate(page: Page): Promise<string> {
    const operation = page.locator('#operations-lines-createLine')
    const clear = operation.getByRole('button', { name: 'Clear' })
    if (await clear.isVisible()) await clear.click()
    await operation.locator('button.execute').click()
    return (await operation.locator('.live-responses-table tbody .response-col_status').first().innerText()).slice(0, 3)
  }

  async function signIn(page: Page, secret: string): Promise<void> {
    const form = page.locator('.account')
    await form.getByLabel('E-mail address').fill('ann@example.com')
    await form.getByLabel('Password').fill(secret)
    await form.getByRole('button', { name: 'Sign in' }).click()
  }

  test('somebody signs in by a form, tries a request that changes something, and signs out', async () => {
    const { page, complaints, requests, violations } = await open()
    await signIn(page, password)
    await page.getByText('Signed in as ann@example.com').waitFor()
    expect(await tryCreate(page)).toBe('201')
    // No script sees the session.
    expect(await page.evaluate('document.cookie')).toBe('')
    await page.reload()
    await page.getByText('Signed in as ann@example.com').waitFor()
    expect(complaints).toEqual([])
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('E-mail address').waitFor()
    expect(await tryCreate(page)).toBe('401')
    expect(requests.filter((url) => new URL(url).origin !== origin && !url.startsWith('data:'))).toEqual([])
    expect(await violations()).toEqual([])
    await page.context().close()
  })

  test('nobody is asked for before they have signed in, and a password that is wrong is said to be', async () => {
    const { page, complaints, requests } = await open()
    expect(complaints).toEqual([])
    expect(requests.some((url) => url.includes('/auth/'))).toBe(false)
    await signIn(page, 'wrong')
    await page.getByRole('alert').filter({ hasText: 'password' }).waitFor()
    expect(await tryCreate(page)).toBe('401')
    await page.context().close()
  })

  test('a token is given to the dialog, which does not ask for the cookie of a session', async () => {
    const { access_token } = await tokensOf(app, 'ann@example.com')
    const { page, violations } = await open()
    await page.locator('.auth-wrapper .authorize').click()
    const dialog = page.locator('.dialog-ux')
    expect(await dialog.locator('.auth-container h4').allInnerTexts()).toEqual([
      expect.stringContaining('bearer'),
      expect.stringContaining('apiKey'),
    ])
    const bearer = dialog.locator('.auth-container', { hasText: 'bearer' }).first()
    await bearer.locator('input').fill(access_token)
    await bearer.getByRole('button', { name: 'Apply credentials' }).click()
    await dialog.locator('.close-modal').click()
    expect(await tryCreate(page)).toBe('201')
    expect(await violations()).toEqual([])
    await page.context().close()
  })

  test('somebody of two tenants chooses the one that requests act in', async () => {
    const notes = await testApp(notesApp, { url: testDatabase().url })
    onTestFinished(() => notes.close())
    await notes.seed()
    await notes.app.db.query(
      `insert into memberships (organization_id, user_id) select o.id, u.id from organizations o, users u where o.name = 'Globex' and u.email = 'ann@example.com'`,
    )
    const { page, complaints, requests, violations } = await watchPage(browser)
    page.setDefaultTimeout(25_000)
    await page.goto(`${(await notes.app.start()).url}/docs#/notes/listNotes`)
    await signIn(page, 'correct horse battery')
    const choice = page.locator('.account').getByLabel('Tenant')
    await choice.waitFor()
    expect(await choice.locator('option').allInnerTexts()).toEqual(['The tenant of the session', 'Acme', 'Globex'])
    const list = page.locator('#operations-notes-listNotes')
    await choice.selectOption('Globex')
    await list.locator('button.execute').click()
    await list.locator('.live-responses-table', { hasText: 'Sell globes' }).waitFor()
    expect(await list.locator('.curl-command').innerText()).toMatch(/X-Tenant: [\da-f-]{36}/)
    // It stays chosen for this tab.
    await page.reload()
    await choice.selectOption('Acme')
    await list.locator('button.execute').click()
    await list.locator('.live-responses-table', { hasText: 'Buy anvils' }).waitFor()
    expect(complaints).toEqual([])
    expect(await violations()).toEqual([])
    expect(requests.some((url) => url.endsWith('/auth/tenants'))).toBe(true)
    await page.context().close()
  }, 90_000)
})
