// Exactly the bytes that were validated are stored: every naughty string through HTTP, in every kind of place, read back and found again.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blog } from '../support/blog.ts'
import { naughtyStrings } from '../support/naughty.ts'
import { inLanes } from './support/caller.ts'
import { errorProblems } from './support/error-reply.ts'
import { liveApp, type LiveApp } from './support/live-app.ts'

/** What a well-meaning hook does to text. */
const tidying = {
  tags: {
    hooks: { beforeWrite: (values: Record<string, unknown>) => ({ ...values, name: String(values['name']).normalize('NFC').trim() }) },
  },
}

let app: LiveApp
let tidy: LiveApp

beforeAll(async () => {
  app = await liveApp(blog())
  tidy = await liveApp(blog(tidying))
  await app.test.app.resource('posts').create({ title: 'first' })
})
afterAll(() => Promise.all([app.stop(), tidy.stop()]))

interface Written {
  readonly status: number
  readonly data: { readonly id: number; readonly [field: string]: unknown }
}

async function write(to: LiveApp, method: string, path: string, body: unknown): Promise<Written> {
  const reply = await to.send({ method, path, body })
  return { status: reply.status, ...(reply.json() as { data: Written['data'] }) }
}

/** Strings that came back as something else, or not at all. */
async function changed(strings: Iterable<string>, comesBack: (text: string) => Promise<unknown>): Promise<string[]> {
  const found: string[] = []
  await inLanes(strings, 4, async (text) => {
    const back = await comesBack(text)
    if (back !== text)
      found.push(`${JSON.stringify(text).slice(0, 80)} became ${(JSON.stringify(back) as string | undefined)?.slice(0, 80)}`)
  })
  return found
}

const distinct = new Set(naughtyStrings)
/** What an address may hold: 8 KB of percent-encoding. */
const short = naughtyStrings.filter((text) => encodeURIComponent(text).length < 6_000)

describe('D15: exactly what was sent is stored', () => {
  test('there are as many strings as promised', () => {
    expect(naughtyStrings.length).toBeGreaterThanOrEqual(515)
  })

  test('as a text: in the reply, in a later read, and in bytes in PostgreSQL', async () => {
    const found = await changed(naughtyStrings, async (text) => {
      const made = await write(app, 'POST', '/api/posts', { title: 't', body: text })
      if (made.status !== 201 || made.data['body'] !== text) return made
      const stored = await app.test.app.db.query<{ hex: string }>(
        `select encode(convert_to(body, 'UTF8'), 'hex') as hex from posts where id = $1`,
        [made.data.id],
      )
      if (stored[0]?.hex !== Buffer.from(text).toString('hex')) return stored
      return ((await app.send({ path: `/api/posts/${made.data.id}` })).json() as Written).data['body']
    })
    expect(found).toEqual([])
  })

  test('as a change, an item of a list, a value and a key of a document', async () => {
    const found = await changed(naughtyStrings, async (text) => {
      const document = text === '__proto__' ? {} : { [text]: [text] }
      const body = { body: text, labels: [text, 'x', text], extra: document }
      const { data } = await write(app, 'PATCH', '/api/posts/1', body)
      return JSON.stringify([data['body'], data['labels'], data['extra']]) === JSON.stringify([body.body, body.labels, body.extra])
        ? text
        : data
    })
    expect(found).toEqual([])
  })

  test('many at a time', async () => {
    const items = [...distinct].map((name) => ({ name }))
    const reply = await app.send({ method: 'POST', path: '/api/tags', body: items })
    expect((reply.json() as { data: { name: string }[] }).data.map(({ name }) => ({ name }))).toEqual(items)
  })

  test('as a value to filter by: the one record with it is found, also by its beginning', async () => {
    const findable = short.filter((text) => distinct.has(text) && text.length < 1_000)
    const found = await changed(new Set(findable), async (text) => {
      const reply = await app.send({ path: `/api/tags?filter[name]=${encodeURIComponent(text)}` })
      const starts = await app.send({ path: `/api/tags?page[size]=200&filter[name][starts]=${encodeURIComponent(text)}` })
      const names = (starts.json() as { data: { name: string }[] }).data.map(({ name }) => name)
      if (!names.includes(text) && names.length < 200) return names
      const { data } = reply.json() as { data: { name: string }[] }
      return data.length === 1 ? data[0]?.name : data
    })
    expect(found).toEqual([])
  })

  test('as a part of a key in the path', async () => {
    const keys = new Set(short.filter((text) => Buffer.byteLength(text) < 2_000))
    const found = await changed(keys, async (critic) => {
      const made = await app.send({ method: 'POST', path: '/api/ratings', body: { post_id: 1, critic, stars: 1, note: 'n' } })
      const location = made.headers.location
      if (location === undefined) return made.text
      // An empty segment names nothing, so such a record is reached through filters only.
      const back = await app.send({ path: critic === '' ? '/api/ratings?filter[critic]=' : location })
      const { data } = back.json() as { data: { critic: string } | { critic: string }[] }
      return Array.isArray(data) ? data[0]?.critic : data?.critic
    })
    expect(found).toEqual([])
  })

  test('as words to search for, and as every other part of a query, none is a failure', async () => {
    const problems: string[] = []
    await inLanes(short, 4, async (text) => {
      const value = encodeURIComponent(text)
      for (const query of [
        `search=${value}`,
        `sort=${value}`,
        `include=${value}`,
        `fields=${value}`,
        `page[after]=${value}`,
        `filter[${value}]=1`,
        `filter[labels][has]=${value}`,
        `${value}=1`,
      ]) {
        const reply = await app.send({ path: `/api/posts?${query}` })
        if (reply.status >= 500) problems.push(`${reply.status} for ${query.slice(0, 100)}`)
      }
    })
    expect(problems).toEqual([])
  })

  test.each([
    ['author_id', [2 ** 31, -(2 ** 31) - 1, 1e300]],
    ['views', ['9223372036854775808', '-9223372036854775809', '9'.repeat(300)]],
    ['price', ['1'.repeat(17), `-${'9'.repeat(17)}`, `1.${'0'.repeat(17_000)}`, '9'.repeat(140_000)]],
    ['published_at', ['294277-01-01T00:00:00Z', '10000-01-01T00:00:00Z', '0000-01-01T00:00:00Z', '9999-12-31T23:59:60.1+99:99']],
  ])('a number or a time beyond the range of %s is a 400, in a body and in a filter', async (field, values) => {
    for (const value of values) {
      const reply = await app.send({ method: 'POST', path: '/api/posts', body: { title: 't', [field]: value } })
      expect([reply.status, errorProblems(reply, 'envelope')], String(value).slice(0, 50)).toEqual([400, []])
      if (String(value).length < 1_000) {
        const listed = await app.send({ path: `/api/posts?filter[${field}][gte]=${encodeURIComponent(String(value))}` })
        expect([listed.status < 500, errorProblems(listed, 'envelope')], String(value)).toEqual([true, []])
      }
    }
  })

  test.each([
    ['author_id', [null]],
    ['views', ['9223372036854775807', '-9223372036854775808', '0']],
    ['price', ['9999999999999999.9999', '-0.0001', '0.0000']],
    ['published_at', ['9999-12-31T23:59:59.999999Z', '0001-01-01T00:00:00Z']],
  ])('at the edge of the range of %s every digit is kept', async (field, values) => {
    for (const value of values) {
      const made = await write(app, 'POST', '/api/posts', { title: 't', [field]: value })
      expect([made.status, made.data?.[field]]).toEqual([201, value])
    }
  })

  test('control: a hook that tidies text up is caught', async () => {
    const found = await changed(
      [...distinct].slice(-75),
      async (text) => (await write(tidy, 'POST', '/api/tags', { name: text })).data?.['name'],
    )
    expect(found.length).toBeGreaterThan(4)
    expect(found.join('\n')).toContain('" padded " became "padded"')
  })
})
