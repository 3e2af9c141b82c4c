// J1, the long form: sqlmap finds nothing in any parameter, and finds what is planted. The quick form is `injection.test.ts`.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type { RoutePlugin } from 'plinth'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blog } from '../support/blog.ts'
import { removeFolder, temporaryFolder } from '../support/temporary.ts'
import { isLong, report } from './support/amount.ts'
import { fillBlog, liveApp, type LiveApp } from './support/live-app.ts'

const isInstalled = isLong && spawnSync('sqlmap', ['--version'], { timeout: 30_000 }).status === 0
if (isLong && !isInstalled) console.error('J1: sqlmap is NOT on this machine, and could not be installed. Its search is left out.')

/** A list whose order is put into the SQL as it came. */
const planted: RoutePlugin = (fastify, { app }) => {
  fastify.get('/planted', (request) => app.db.query(`select id from posts order by ${(request.query as { sort?: string }).sort ?? 'id'}`))
}

const options = [
  '--batch',
  '--level',
  '3',
  '--risk',
  '2',
  '--technique',
  'BEUST',
  '--flush-session',
  '--disable-coloring',
  '--threads',
  '4',
  '--timeout',
  '15',
]
/** One target is enough for what has nothing to do with the address. */
const notHeaders = ['--skip', 'User-Agent,Referer,Host']
const timeoutMs = 280_000

interface Search {
  readonly requests: number
  /** Names of parameters in which something was found. */
  readonly found: readonly string[]
  /** Names of those that were tried to the end without a finding. */
  readonly clean: readonly string[]
}

/** @param args  what to attack, as sqlmap is told */
async function sqlmap(args: readonly string[]): Promise<Search> {
  const folder = temporaryFolder('sqlmap')
  const child = spawn('sqlmap', [...options, '--output-dir', folder, ...args], { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
  await once(child, 'close')
  removeFolder(folder)
  return readReport(text)
}

function readReport(text: string): Search {
  const names = (pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, name = '']) => name)
  return {
    requests: names(/(\d+) HTTP\(s\) requests/g).reduce((sum, count) => sum + Number(count), 0),
    found: names(/^Parameter: (\S+)/gm),
    clean: names(/parameter '([^']+)' does not (?:seem|appear) to be injectable/g),
  }
}

test('J1: the report of sqlmap is read', () => {
  const text = `[INFO] testing\n[WARNING] GET parameter 'filter[id]' does not seem to be injectable
sqlmap identified the following injection point(s) with a total of 435 HTTP(s) requests:\n---\nParameter: sort (GET)\n    Type: boolean-based blind`
  expect(readReport(text)).toEqual({ requests: 435, found: ['sort'], clean: ['filter[id]'] })
})

if (isInstalled) searchWithSqlmap()

function searchWithSqlmap(): void {
  describe('J1: sqlmap', () => {
    let app: LiveApp
    let cursor: string

    beforeAll(async () => {
      app = await liveApp(blog({}, { routes: [planted] }))
      await fillBlog(app.test)
      const page = await app.send({ path: '/api/posts?page[size]=2&sort=title' })
      cursor = (page.json() as { meta: { page: { next: string } } }).meta.page.next
    })
    afterAll(() => app.stop())

    const url = (path: string): string => `http://127.0.0.1:${app.port}${path}`
    const json = (path: string, method: string, body: object): string[] => [
      '-u',
      url(path),
      '--method',
      method,
      '--data',
      JSON.stringify(body),
      '-H',
      'Content-Type: application/json',
    ]

    const targets: Readonly<Record<string, () => readonly string[]>> = {
      'the query of a list, and the headers that every client sends': () => [
        '-u',
        url('/api/posts?filter[title]=Post&filter[author.name]=Ada&filter[labels][has]=a'),
      ],
      'order, fields, relations and pages': () => [
        '-u',
        url(`/api/posts?sort=title&fields=id,title&include=author&page[size]=2&count=none&page[after]=${cursor}`),
        '-p',
        'sort,fields,include,page[size],count,page[after]',
      ],
      'search and the values of other operators': () => [
        '-u',
        url('/api/posts?search=words&filter[title][contains]=P&filter[id][in]=1,2&filter[price][gte]=1'),
        '-p',
        'search,filter[title][contains],filter[id][in],filter[price][gte]',
      ],
      'the body of a create': () => json('/api/posts', 'POST', { title: 't', body: 'b', labels: ['l'], extra: { a: 'e' }, price: '1.5' }),
      'the body of a change': () => json('/api/posts/1', 'PATCH', { title: 't' }),
      'a key in the path': () => ['-u', url('/api/ratings/1/critic%201*'), ...notHeaders],
      'headers of a condition': () => ['-u', url('/api/posts/1'), '-H', 'If-None-Match: "x*"', ...notHeaders],
    }

    test.each(Object.keys(targets))('%s: nothing is found', { timeout: timeoutMs }, async (name) => {
      const { found, clean } = await sqlmap(targets[name]?.() ?? [])
      report(`J1: sqlmap, ${name}: ${clean.length} parameters tried, ${found.length} findings`)
      expect(found).toEqual([])
      expect(clean.length).toBeGreaterThan(0)
    })

    test('control: it finds the order that is put into the SQL as it came', { timeout: timeoutMs }, async () => {
      const { found, requests } = await sqlmap(['-u', url('/planted?sort=id'), '-p', 'sort'])
      report(`J1: sqlmap finds what is planted after ${requests} requests`)
      expect(found).toEqual(['sort'])
    })
  })
}
