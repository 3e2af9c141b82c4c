// S8: every route does for every kind of caller what the resources declare, and there is no route that nobody declared. What is declared
// stands here once more, as a table of who may, and each route of the application is asked by each of them.

import {
  all,
  anyone,
  anonymousCaller,
  type Caller,
  defineApp,
  defineResource,
  not,
  permission,
  role,
  type RoutePlugin,
  signedIn,
} from 'plinth'
import { pgTable, serial, softDelete, text } from 'plinth/db'
import { type TestApp, testApp } from 'plinth/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { RegisteredRoute } from '../../src/http/route.ts'
import { actAs, header, user } from '../support/act-as.ts'
import { testDatabase, testDatabases } from '../support/postgres.ts'

const columns = () => ({ id: serial().primaryKey(), title: text().notNull(), ...softDelete })
const papers = pgTable('papers', columns())
const reports = pgTable('reports', columns())
const notices = pgTable('notices', columns())
const ledgers = pgTable('ledgers', columns())
const models = { papers, reports, notices, ledgers }

const resources = [
  defineResource(papers, { access: { read: anyone, create: role('author', 'editor'), update: role('editor'), delete: role('admin') } }),
  defineResource(reports, { access: { read: permission('reports.read'), write: role('admin') } }),
  defineResource(notices, { access: { read: signedIn } }),
  defineResource(ledgers, { access: { read: not(role('author')), create: all(signedIn, role('admin')), delete: role('admin') } }),
]

const callers: Readonly<Record<string, Caller>> = {
  nobody: anonymousCaller,
  reader: user(1),
  author: user(2, { roles: ['author'] }),
  editor: user(3, { roles: ['editor'], permissions: ['reports.read'] }),
  admin: user(4, { roles: ['admin'] }),
  program: { ...anonymousCaller, kind: 'service', id: 'robot', permissions: ['reports.read'] },
  both: user(5, { roles: ['admin', 'author'], permissions: ['reports.read'] }),
}

const everybody = Object.keys(callers)

/** Who may, by what a route does. What is not here is not to be there. */
const declared: Readonly<Record<string, readonly string[]>> = {
  'list papers': everybody,
  'get papers': everybody,
  'create papers': ['author', 'editor', 'both'],
  'replace papers': ['editor'],
  'patch papers': ['editor'],
  'bulk patch papers': ['editor'],
  'delete papers': ['admin', 'both'],
  'bulk delete papers': ['admin', 'both'],
  'restore papers': ['admin', 'both'],
  'list reports': ['editor', 'program', 'both'],
  'get reports': ['editor', 'program', 'both'],
  'create reports': ['admin', 'both'],
  // Who changes a record has to be allowed to see it.
  'replace reports': ['both'],
  'patch reports': ['both'],
  'bulk patch reports': ['both'],
  'delete reports': ['both'],
  'bulk delete reports': ['both'],
  'restore reports': ['both'],
  'list notices': everybody.filter((name) => name !== 'nobody'),
  'get notices': everybody.filter((name) => name !== 'nobody'),
  'list ledgers': everybody.filter((name) => name !== 'author' && name !== 'both'),
  'get ledgers': everybody.filter((name) => name !== 'author' && name !== 'both'),
  'create ledgers': ['admin', 'both'],
  'delete ledgers': ['admin'],
  'bulk delete ledgers': ['admin'],
  'restore ledgers': ['admin'],
}

/** What is answered to everybody and tells nothing of anybody: monitoring, and the description of what there is. */
const machines = new Set(['machine endpoint', 'OpenAPI document', 'reference page'])

async function newsroom(url: string, routes: readonly RoutePlugin[] = []): Promise<TestApp> {
  const made = await testApp(defineApp({ name: 'papers', models, resources, routes }), { url })
  onTestFinished(() => made.close())
  return made
}

function undeclared(routes: readonly RegisteredRoute[]): string[] {
  return routes
    .filter(({ answers }) => !machines.has(answers) && declared[answers] === undefined)
    .map(({ method, path }) => `${method} ${path}`)
}

/** What is answered otherwise than declared, a sentence each; and how much was asked. */
async function differences(made: TestApp): Promise<{ readonly found: string[]; readonly asked: number }> {
  const found: string[] = []
  let asked = 0
  for (const route of made.app.routes.filter(({ answers }) => declared[answers] !== undefined))
    for (const name of everybody) {
      const status = await ask(made, route, name)
      const wanted = (declared[route.answers] ?? []).includes(name) ? 'done' : name === 'nobody' ? 401 : 403
      asked += 1
      if (status !== wanted) found.push(`${route.answers} as ${name}: ${status} and not ${wanted}`)
    }
  return { found, asked }
}

/** Asks for something that can be done, for a record of its own. */
async function ask(made: TestApp, { method, path, answers }: RegisteredRoute, name: string): Promise<'done' | number> {
  const [resource = ''] = answers.split(' ').slice(-1)
  const isGone = answers.startsWith('restore')
  const [row] = await made.app.db.query<{ id: number }>(
    `insert into ${resource} (title, deleted_at) values ('old', ${isGone ? 'now()' : 'null'}) returning id`,
  )
  const id = row?.id ?? 0
  const body = bodyOf(answers, id)
  const reply = await made.request({ method: method as 'GET', path: path.replace(':id', String(id)), headers: { [header]: name }, body })
  return reply.status < 300 ? 'done' : reply.status
}

function bodyOf(answers: string, id: number): unknown {
  if (answers.startsWith('bulk patch')) return [{ id, title: 'new' }]
  if (answers.startsWith('bulk delete')) return [id]
  return /^(?:create|replace|patch)/.test(answers) ? { title: 'new' } : undefined
}

describe.each(testDatabases())('S8: every route for every caller, on $name', ({ url }) => {
  test('what each may is what is declared, and no route is left that nobody declared', async () => {
    const made = await newsroom(url)
    actAs(made.app, callers)
    expect(undeclared(made.app.routes)).toEqual([])
    expect(made.app.routes.flatMap(({ answers }) => (machines.has(answers) ? [] : [answers])).toSorted()).toEqual(
      Object.keys(declared).toSorted(),
    )
    expect(await differences(made)).toEqual({ found: [], asked: Object.keys(declared).length * everybody.length })
  })
})

const { url } = testDatabase()

test('S8: a resource that says nothing of who may use it, or opens nothing, does not start', async () => {
  const silent = defineResource(papers, JSON.parse('{}'))
  const closed = defineResource(reports, { access: {} })
  const start = testApp(defineApp({ name: 'silent', models, resources: [silent, closed] }), { url })
  await expect(start).rejects.toMatchObject({
    code: 'RESOURCE_INVALID_DEFINITION',
    message: expect.stringMatching(/nothing says who may use it[^]*every operation is closed/),
  })
})

test('S8: what is not opened has no address', async () => {
  const made = await newsroom(url)
  actAs(made.app, callers)
  const asAdmin = { headers: { [header]: 'admin' } }
  for (const method of ['PUT', 'PATCH', 'DELETE'] as const)
    expect((await made.request({ method, path: '/api/notices/1', body: { title: 'new' }, ...asAdmin })).status).toBe(405)
  expect((await made.request({ method: 'POST', path: '/api/notices', body: { title: 'new' }, ...asAdmin })).status).toBe(405)
})

describe('S8: the search finds', () => {
  test('everybody taken for an admin', async () => {
    const made = await newsroom(url)
    actAs(made.app, Object.fromEntries(everybody.map((name) => [name, callers['admin'] ?? anonymousCaller])))
    const { found } = await differences(made)
    expect(found).toContain('delete papers as reader: done and not 403')
    expect(found).toContain('delete papers as nobody: done and not 401')
  })

  test('one role that is lost', async () => {
    const made = await newsroom(url)
    actAs(made.app, { ...callers, both: user(5, { roles: ['admin'], permissions: ['reports.read'] }) })
    const { found } = await differences(made)
    const gained = ['list', 'get', 'delete', 'bulk delete', 'restore'].map((what) => `${what} ledgers as both: done and not 403`)
    expect(found.toSorted()).toEqual([...gained, 'create papers as both: 403 and not done'].toSorted())
  })

  test('a route that somebody adds', async () => {
    const made = await newsroom(url, [(fastify) => void fastify.get('/api/papers/secret', () => 'secret')])
    expect(undeclared(made.app.routes)).toEqual(['GET /api/papers/secret'])
  })
})
