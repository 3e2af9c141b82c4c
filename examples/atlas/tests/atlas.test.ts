// The whole world, loaded once: what the API finds in it, and how many statements that takes.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from 'plinth/testing'
import { countStatements } from '../../../test/support/count-statements.ts'
import definition from '../api/app.ts'

let app: TestApp
const steps = new Map<string, number>()
const seed = (): Promise<void> | undefined =>
  definition.options.seed?.(app.app, { progress: (label, done, total) => void steps.set(label, done / total) })

beforeAll(async () => {
  app = await testApp(definition)
  await seed()
}, 120_000)
afterAll(() => app.close())

const countOf = async (resource: string, query = ''): Promise<number> =>
  (await app.get(`/api/${resource}?count=exact&page[size]=1${query}`)).body.meta.total

test('the seed loads 250 countries and 135,233 cities, tells its progress, and loads nothing twice', async () => {
  expect([...steps]).toEqual([
    ['countries', 1],
    ['cities', 1],
  ])
  await seed()
  expect([await countOf('countries'), await countOf('cities')]).toEqual([250, 135_233])
})

test('large European cities with the neighbours of their countries take one statement per table', async () => {
  const query = 'filter[country.region]=Europe&filter[population][gte]=500000&sort=-population&include=country.borders&page[size]=50'
  let found: City[] = []
  const statements = await countStatements(app.app.db, async () => {
    found = (await app.get(`/api/cities?${query}`)).body.data
  })
  expect(statements).toBe(3)
  expect(found).toHaveLength(50)
  expect(found.every(({ population, country }) => population >= 500_000 && country.region === 'Europe')).toBe(true)
  expect(found.map(({ population }) => population)).toEqual(found.map(({ population }) => population).toSorted((a, b) => b - a))
  const paris = found.find(({ name }) => name === 'Paris')
  expect(paris?.country.borders.map(({ name }) => name).toSorted()).toEqual([
    'Andorra',
    'Belgium',
    'Germany',
    'Italy',
    'Luxembourg',
    'Monaco',
    'Spain',
    'Switzerland',
  ])
})

interface City {
  readonly name: string
  readonly population: number
  readonly country: { readonly region: string; readonly borders: readonly { readonly name: string }[] }
}

test('borders lead both ways, so that no country touches one that does not touch it', async () => {
  const oneWay = await app.app.db.query(
    'select country_id from country_borders a where not exists (select 1 from country_borders b where b.country_id = a.border_id and b.border_id = a.country_id)',
  )
  expect(oneWay).toEqual([])
  expect(await countOf('countries', '&filter[borders.name]=China')).toBe(16)
})

test('languages and currencies are found from both ends', async () => {
  const { body } = await app.get(
    '/api/countries?filter[code]=CHE&fields=name&include=languages,currencies&fields[languages]=name&fields[currencies]=code',
  )
  expect(body.data).toEqual([
    {
      name: 'Switzerland',
      languages: [{ name: 'French' }, { name: 'Italian' }, { name: 'Romansh' }, { name: 'Swiss German' }],
      currencies: [{ code: 'CHF' }],
    },
  ])
  const romansh = await app.get('/api/languages?filter[name]=Romansh&include=countries&fields=name&fields[countries]=name')
  expect(romansh.body.data).toEqual([{ name: 'Romansh', countries: [{ name: 'Switzerland' }] }])
})

test('a cursor walks through every city of a country exactly once', async () => {
  const ids: number[] = []
  let next: string | undefined
  do {
    const after = next === undefined ? '' : `&page[after]=${next}`
    const { body } = await app.get(`/api/cities?filter[country.code]=CHE&fields=id&page[size]=200${after}`)
    ids.push(...body.data.map((city: { id: number }) => city.id))
    next = body.meta.page.next
  } while (next !== undefined)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids).toHaveLength(await countOf('cities', '&filter[country.code]=CHE'))
})

test('the world is read-only', async () => {
  const reply = await app.post('/api/cities', { name: 'Atlantis' })
  expect([reply.status, reply.headers['allow']]).toEqual([405, 'GET, HEAD, OPTIONS'])
})
