// S8 of the guarantees: every policy word, every caller, every operation, compared with what the words mean over rows in memory. The walk
// itself is tried on an engine that has lost its conditions: it has to find that out.

import type { Caller, Policy } from 'plinth'
import { anonymousCaller } from 'plinth'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { Sights } from '../../src/resource/access/sights.ts'
import { type TestApp, testApp } from '../../src/testing/test-app.ts'
import { type Article, isClosed, isOwned, lets, type World } from '../support/access-oracle.ts'
import { actAs, header, user } from '../support/act-as.ts'
import { newsroom, policies, seedSql } from '../support/newsroom.ts'
import { testDatabases } from '../support/postgres.ts'

const callers: Readonly<Record<string, Caller>> = {
  nobody: anonymousCaller,
  ada: user(1, { permissions: ['articles.publish'] }),
  alan: user(2, { roles: ['editor'] }),
}

/** A difference between the engine and the oracle, as a sentence. */
type Differences = string[]

interface Step {
  readonly app: TestApp
  readonly world: World
  readonly name: string
  readonly policy: Policy
  readonly caller: string
  readonly who: Caller
  readonly differences: Differences
  /** What is answered about a record that does not exist, by request. */
  readonly missing: Map<string, number>
}

interface Reply {
  readonly status: number
  readonly body: { data: Article[] & Article; meta: { total?: number; page: { next?: string } } }
}

async function walk(app: TestApp, visit: (step: Step) => Promise<void>, names = Object.keys(policies)): Promise<Differences> {
  const differences: Differences = []
  const world = await worldOf(app)
  for (const [name, policy] of Object.entries(policies).filter(([one]) => names.includes(one)))
    for (const [caller, who] of Object.entries(callers))
      await visit({ app, world, name, policy, caller, who, differences, missing: new Map() })
  return differences
}

async function worldOf({ app: { db } }: TestApp): Promise<World> {
  await db.query(seedSql)
  await db.query('drop table if exists articles_before; create table articles_before as select * from articles')
  const rows = <row>(table: string): Promise<row[]> => db.query(`select * from ${table}`) as Promise<row[]>
  return { articles: await rows('articles'), memberships: await rows('memberships'), users: await rows('users') }
}

const isSeen = ({ policy, who, world }: Step, row: Article): boolean => lets(policy, who, row, world)

async function ask(
  { app, caller }: Step,
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<Reply> {
  return app.request({ method, path, headers: { [header]: caller }, body })
}

function compare(step: Step, what: string, found: unknown, expected: unknown): void {
  const [one, other] = [JSON.stringify(found), JSON.stringify(expected)]
  if (one !== other) step.differences.push(`${step.name} as ${step.caller}, ${what}: ${one} and not ${other}`)
}

/** Status of what is refused whatever the row is; undefined where rows decide. */
function refusedStatus({ policy, who }: Step): number | undefined {
  if (!isClosed(policy, who)) return undefined
  return who.kind === 'anonymous' ? 401 : 403
}

const byId = (a: Article, b: Article): number => a.id - b.id
const byTitle = (a: Article, b: Article): number => (a.title < b.title ? 1 : a.title > b.title ? -1 : b.id - a.id)

/** Queries, and the rows that they choose of those that the caller sees, in order. */
const lists: readonly (readonly [query: string, choose: (rows: Article[]) => Article[]])[] = [
  ['sort=id', (rows) => rows.toSorted(byId)],
  ['sort=-title', (rows) => rows.toSorted(byTitle)],
  ['sort=id&filter[status]=draft', (rows) => rows.filter(({ status }) => status === 'draft').toSorted(byId)],
  [
    'sort=id&filter[or][0][author_id]=1&filter[or][1][title][contains]=six',
    (rows) => rows.filter(({ author_id, title }) => author_id === 1 || title.includes('six')).toSorted(byId),
  ],
  ['sort=id&filter[author.name]=Alan', (rows) => rows.filter(({ author_id }) => author_id === 2).toSorted(byId)],
  ['sort=id&search=alpha', (rows) => rows.filter(({ title }) => title.includes('alpha')).toSorted(byId)],
]

async function visitReads(step: Step): Promise<void> {
  const refused = refusedStatus(step)
  const seen = step.world.articles.filter((row) => isSeen(step, row))
  for (const [query, choose] of lists) {
    const { status, body } = await ask(step, 'GET', `/api/${step.name}?${query}&count=exact`)
    compare(step, `${query}: status`, status, refused ?? 200)
    if (status !== 200) continue
    const expected = choose([...seen]).map(({ id }) => id)
    compare(
      step,
      query,
      body.data.map(({ id }) => id),
      expected,
    )
    compare(step, `${query}: total`, body.meta.total, expected.length)
    compare(
      step,
      `${query}: fees`,
      body.data.some((row) => 'fee' in row),
      step.who.roles.includes('editor') && expected.length > 0,
    )
  }
  if (refused === undefined)
    compare(
      step,
      'pages',
      await pages(step),
      seen.toSorted(byTitle).map(({ id }) => id),
    )
  for (const row of step.world.articles) {
    const { status } = await ask(step, 'GET', `/api/${step.name}/${row.id}`)
    compare(step, `get ${row.id}`, status, refused ?? (isSeen(step, row) ? 200 : 404))
  }
  await visitIncludes(step)
}

async function pages(step: Step): Promise<number[]> {
  const found: number[] = []
  for (let after = ''; ;) {
    const { body } = await ask(step, 'GET', `/api/${step.name}?sort=-title&page[size]=2${after}`)
    found.push(...body.data.map(({ id }) => id))
    if (body.meta.page.next === undefined) return found
    after = `&page[after]=${body.meta.page.next}`
  }
}

/** From users to their articles: relations lead to the resource that was declared first. */
async function visitIncludes(step: Step): Promise<void> {
  if (step.name !== 'either') return
  const { body } = await ask(step, 'GET', '/api/users?include=articles&sort=id')
  const people = body.data as unknown as readonly { readonly id: number; readonly articles: readonly Article[] }[]
  for (const { id, articles } of people)
    compare(
      step,
      `articles of ${id}`,
      articles.toSorted(byId).map((one) => one.id),
      step.world.articles.filter((row) => row.author_id === id && isSeen(step, row)).map((row) => row.id),
    )
}

/** Changes of one row, each to what no row is yet. */
const changes: readonly (readonly [what: string, values: Partial<Article>])[] = [
  ['title', { title: 'changed' }],
  ['status', { status: 'archived' }],
  ['author', { author_id: 3 }],
  ['organization', { organization_id: 2 }],
]

async function visitWrites(step: Step): Promise<void> {
  const refused = refusedStatus(step)
  for (const row of step.world.articles.filter(({ id }) => id < 4)) {
    const status = (after?: Article): number => {
      if (refused !== undefined) return refused
      if (!isSeen(step, row)) return 404
      return after === undefined || isSeen(step, after) ? 200 : 403
    }
    for (const [what, values] of changes)
      await attempt(step, `change ${what} of ${row.id}`, 'PATCH', `/${row.id}`, values, status({ ...row, ...values }))
    for (const [what, values] of changes) await replace(step, `${what} of ${row.id}`, row, { ...bodyOf(row), ...values }, status)
    // What is left out gets its default, also what the caller is let by.
    await replace(step, `all but the title of ${row.id}`, row, {}, status)
    await attempt(step, `delete ${row.id}`, 'DELETE', `/${row.id}`, undefined, status() === 200 ? 204 : status())
    await visitRestore(step, row, status())
  }
  await visitCreates(step, refused)
  await visitBulk(step, refused)
  compare(step, 'refused writes: changes', await undo(step), false)
}

const defaults = { author_id: null, organization_id: null, status: 'draft' }

/** What is left out of a whole record: where every record has to be the caller's, it is. */
function filled({ policy, who }: Step, values: Partial<Article>): Partial<Article> {
  return { ...defaults, ...(isOwned(policy) ? { author_id: Number(who.id) } : {}), ...values }
}

/** Without the fee, which some may not set. */
function bodyOf({ author_id, organization_id, status }: Article): Partial<Article> {
  return { author_id, organization_id, status }
}

/** The title is always another one, so that whatever is let changes something. */
async function replace(
  step: Step,
  what: string,
  row: Article,
  values: Partial<Article>,
  status: (after: Article) => number,
): Promise<void> {
  const body = { ...values, title: `${row.title}!` }
  await attempt(step, `replace ${what}`, 'PUT', `/${row.id}`, body, status({ ...row, ...filled(step, body) }))
}

/** Policies of deleting are those of restoring, and of listing what is deleted. */
async function visitRestore(step: Step, row: Article, expected: number): Promise<void> {
  const { app, name } = step
  await app.app.db.query('update articles set deleted_at = now() where id = $1', [row.id])
  const { status: listed, body } = await ask(step, 'GET', `/api/${name}?deleted=only`)
  compare(step, `deleted ${row.id}: status`, listed, expected === 404 ? 200 : expected)
  if (listed === 200)
    compare(
      step,
      `deleted ${row.id}`,
      body.data.map(({ id }) => id),
      expected === 200 ? [row.id] : [],
    )
  const { status } = await ask(step, 'POST', `/api/${name}/${row.id}/restore`)
  compare(step, `restore ${row.id}`, status, expected)
  if (expected === 404)
    compare(step, `restore ${row.id}: as one that does not exist`, status, (await ask(step, 'POST', `/api/${name}/999/restore`)).status)
  compare(step, `restore ${row.id}: changes`, !(await undo(step)), expected === 200)
}

async function visitCreates(step: Step, refused: number | undefined): Promise<void> {
  for (const [author_id, organization_id, status] of [
    [1, 1, 'published'],
    [2, 1, 'draft'],
    [3, 2, 'published'],
  ] as const) {
    const values = { title: 'new', author_id, organization_id, status }
    const isFit = isSeen(step, { id: 0, fee: null, ...values })
    await attempt(step, `create for ${author_id}`, 'POST', '', values, refused ?? (isFit ? 201 : 403))
  }
}

async function visitBulk(step: Step, refused: number | undefined): Promise<void> {
  const ids = step.world.articles.map(({ id }) => id)
  const isAll = step.world.articles.every((row) => isSeen(step, row))
  await attempt(
    step,
    'change all',
    'PATCH',
    '',
    ids.map((id) => ({ id, title: 'all' })),
    refused ?? (isAll ? 200 : 404),
  )
  await attempt(step, 'delete all', 'DELETE', '', ids, refused ?? (isAll ? 204 : 404))
}

/** Sends a write. One that is refused has changed nothing; of a hidden record it is told what it is told of one that does not exist. */
async function attempt(
  step: Step,
  what: string,
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body: unknown,
  expected: number,
): Promise<void> {
  const { status } = await ask(step, method, `/api/${step.name}${path}`, body)
  if (expected === 404 && path !== '') {
    compare(step, `${what}: as one that does not exist`, status, await statusOfMissing(step, method, body))
    compare(step, what, status < 300, false)
  } else {
    // Nobody is told to sign in where that could help, also of a record that is there.
    const isFit = expected === 403 && step.who.kind === 'anonymous' ? [401, 403].includes(status) : status === expected
    if (!isFit) compare(step, what, status, expected)
  }
  const isSame = (values: Partial<Article>): boolean => {
    const row = step.world.articles.find(({ id }) => path === `/${id}`)
    return row !== undefined && Object.entries(values).every(([name, value]) => row[name as keyof Article] === value)
  }
  const changesSomething = expected < 300 && !(method === 'PATCH' && path !== '' && isSame(body as Partial<Article>))
  // One look at the end is enough for all that were refused.
  if (status < 300) compare(step, `${what}: changes`, await undo(step), changesSomething)
}

async function statusOfMissing(step: Step, method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', body: unknown): Promise<number> {
  const name = `${method} ${JSON.stringify(body)}`
  const known = step.missing.get(name)
  if (known !== undefined) return known
  const { status } = await ask(step, method, `/api/${step.name}/999`, body)
  step.missing.set(name, status)
  return status
}

const columns = ['author_id', 'organization_id', 'title', 'status', 'fee', 'deleted_at']

/** Makes the articles what they were. @returns whether they were anything else */
async function undo({ app: { app } }: Step): Promise<boolean> {
  const set = columns.map((column) => `${column} = b.${column}`).join(', ')
  const rows = await app.db.query(
    `with added as (delete from articles where id not in (select id from articles_before) returning 1),
      changed as (update articles a set ${set} from articles_before b where b.id = a.id and a::text <> b::text returning 1)
      select 1 from added union all select 1 from changed`,
  )
  return rows.length > 0
}

describe.each(testDatabases())('the walk over every policy on $name', ({ url }) => {
  let app: TestApp
  beforeAll(async () => {
    app = await testApp(newsroom, { url })
    actAs(app.app, callers)
  })
  afterAll(() => app.close())

  test('reads show what the policies say, and nothing else', async () => {
    expect(await walk(app, visitReads)).toEqual([])
  })

  test('writes change what the policies say, and nothing else', async () => {
    expect(await walk(app, visitWrites)).toEqual([])
  }, 120_000)

  test('every route of every resource refuses exactly those whom its policy refuses whatever the record is', async () => {
    const routes = app.app.routes.filter(({ path }) => path.startsWith('/api/'))
    const found: Differences = []
    const expected: Differences = []
    for (const [name, policy] of Object.entries(policies)) {
      const own = routes.filter(({ path }) => path.split('/')[2] === name)
      expect(own, name).toHaveLength(9)
      for (const [caller, who] of Object.entries(callers))
        for (const { method, path } of own) {
          const isBulk = !path.includes(':id') && method !== 'GET' && method !== 'POST'
          const body = method === 'GET' ? undefined : isBulk ? [] : {}
          const { status } = await app.request({
            method,
            path: path.replace(':id', '999'),
            headers: { [header]: caller },
            body,
          })
          found.push(`${caller} ${method} ${path}: ${[401, 403].includes(status) ? status : 'let'}`)
          const refused = who.kind === 'anonymous' ? 401 : 403
          expected.push(`${caller} ${method} ${path}: ${isClosed(policy, who) ? refused : 'let'}`)
        }
    }
    expect(found).toEqual(expected)
  })

  test('an engine that has lost its conditions is found out', async () => {
    const { of } = Sights.prototype
    const broken = vi.spyOn(Sights.prototype, 'of').mockImplementation(function (this: Sights, resource, who) {
      const sight = of.call(this, resource, who)
      const { decision } = sight
      const free = (verdict: unknown): boolean => verdict !== false
      const rows = Object.fromEntries(Object.entries(decision.rows).map(([name, verdict]) => [name, free(verdict)]))
      return { ...sight, resource, decision: { ...decision, rows: rows as unknown as typeof decision.rows, after: true } }
    })
    onTestFinished(() => broken.mockRestore())
    const names = ['either', 'owned', 'joined']
    const [reads, writes] = [await walk(app, visitReads, names), await walk(app, visitWrites, names)]
    for (const kind of ['sort=id:', 'total', 'pages', 'search', 'fees', 'get ', 'articles of']) expect(reads.join('\n')).toContain(kind)
    for (const kind of ['change title', 'change author', 'replace ', 'delete ', 'restore ', 'create for', 'change all'])
      expect(writes.join('\n')).toContain(kind)
  })
})
