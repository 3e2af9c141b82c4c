import type { SeedReport } from 'plinth'
import type { Database } from 'plinth/db'
import data, { type Country } from 'world-countries'
import { insertRows } from './insert.ts'

// The package is CommonJS: Node gives the array itself where its types describe a module with a default export.
const world = data as unknown as readonly Country[]

/** Ids by the codes the source uses. */
type Ids = ReadonlyMap<string, number>

export async function loadCountries(db: Database, report: SeedReport): Promise<void> {
  const countries = await insertCountries(db)
  report.progress('countries', 1, 4)
  await insertBorders(db, countries)
  report.progress('countries', 2, 4)
  await insertLanguages(db, countries)
  report.progress('countries', 3, 4)
  await insertCurrencies(db, countries)
  report.progress('countries', 4, 4)
}

async function insertCountries(db: Database): Promise<Ids> {
  const rows = await insertRows<Country>(
    db,
    'countries',
    {
      code: ['text', (country) => country.cca3],
      short_code: ['text', (country) => country.cca2],
      name: ['text', (country) => country.name.common],
      official_name: ['text', (country) => country.name.official],
      native_names: ['jsonb', (country) => country.name.native ?? {}],
      translations: ['jsonb', (country) => country.translations],
      region: ['text', (country) => country.region],
      subregion: ['text', (country) => country.subregion],
      capitals: ['text[]', (country) => country.capital ?? []],
      domains: ['text[]', (country) => country.tld ?? []],
      spellings: ['text[]', (country) => country.altSpellings],
      latitude: ['float8', (country) => country.latlng[0]],
      longitude: ['float8', (country) => country.latlng[1]],
      area: ['float8', (country) => country.area],
      landlocked: ['boolean', (country) => country.landlocked],
      independent: ['boolean', (country) => country.independent],
      flag: ['text', (country) => country.flag],
    },
    world,
  )
  return new Map(rows.map((row) => [String(row.code), Number(row.id)]))
}

/** From both sides: the source has the border of Sri Lanka and India from one side only. */
async function insertBorders(db: Database, ids: Ids): Promise<void> {
  const pairs = world.flatMap(({ cca3, borders }) => borders.flatMap((border) => [`${cca3} ${border}`, `${border} ${cca3}`]))
  const rows = [...new Set(pairs)].map((pair) => pair.split(' ').map((code) => ids.get(code)))
  await insertRows(db, 'country_borders', { country_id: ['int', ([from]) => from], border_id: ['int', ([, to]) => to] }, rows)
}

async function insertLanguages(db: Database, countries: Ids): Promise<void> {
  const names = new Map(world.flatMap((country) => Object.entries(country.languages ?? {})))
  const rows = await insertRows(db, 'languages', { code: ['text', ([code]) => code], name: ['text', ([, name]) => name] }, [...names])
  const ids: Ids = new Map(rows.map((row) => [String(row.code), Number(row.id)]))
  const pairs = world.flatMap((country) =>
    Object.keys(country.languages ?? {}).map((code) => ({ country: countries.get(country.cca3), language: ids.get(code) })),
  )
  await insertRows(
    db,
    'country_languages',
    { country_id: ['int', (pair) => pair.country], language_id: ['int', (pair) => pair.language] },
    pairs,
  )
}

async function insertCurrencies(db: Database, countries: Ids): Promise<void> {
  const known = new Map(world.flatMap((country) => Object.entries(country.currencies ?? {})))
  const rows = await insertRows(
    db,
    'currencies',
    {
      code: ['text', ([code]) => code],
      name: ['text', ([, currency]) => currency.name],
      symbol: ['text', ([, currency]) => currency.symbol],
    },
    [...known],
  )
  const ids: Ids = new Map(rows.map((row) => [String(row.code), Number(row.id)]))
  const pairs = world.flatMap((country) =>
    Object.keys(country.currencies ?? {}).map((code) => ({ country: countries.get(country.cca3), currency: ids.get(code) })),
  )
  await insertRows(
    db,
    'country_currencies',
    { country_id: ['int', (pair) => pair.country], currency_id: ['int', (pair) => pair.currency] },
    pairs,
  )
}
