// A real browser for tests of pages: Debian's Chromium without a window, and everything it complains of.

import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'

const names = ['chromium', 'chromium-browser', 'google-chrome']

/** The browser's program; undefined when this machine has none. */
export function browserProgram(): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin']
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Quiet: no updates, no reports, no traffic but the page's. */
const switches = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export function openBrowser(program: string): Promise<Browser> {
  return chromium.launch({ executablePath: program, args: switches, timeout: 20_000 })
}

export interface WatchedPage {
  readonly page: Page
  /** Addresses of all requests. */
  readonly requests: string[]
  /** Errors of scripts and of the console. */
  readonly complaints: string[]
  /** What the content security policy has refused so far: `script-src-elem inline`. */
  violations(): Promise<string[]>
}

export async function watchPage(browser: Browser, colorScheme: 'light' | 'dark' = 'light'): Promise<WatchedPage> {
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 }, colorScheme })
  page.setDefaultTimeout(10_000)
  const requests: string[] = []
  const complaints: string[] = []
  page.on('request', (request) => requests.push(request.url()))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  await page.addInitScript(`
    window.violations = []
    document.addEventListener('securitypolicyviolation', (event) => window.violations.push(event.violatedDirective + ' ' + event.blockedURI))
  `)
  return { page, requests, complaints, violations: () => page.evaluate<string[]>('window.violations') }
}
