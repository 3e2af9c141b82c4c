// Loads the world: countries with everything around them in one transaction, then the cities in batches.

import type { App, SeedReport } from 'plinth'

export async function seed(app: App, report: SeedReport): Promise<void> {
  const [found] = await app.db.query<{ count: number }>('select count(*)::int as count from cities')
  if ((found?.count ?? 0) > 0) return
  // Imported when they are needed: reading the packages with the data takes as long as all the rest of a start.
  const { loadCountries } = await import('./seeds/countries.ts')
  const { loadCities } = await import('./seeds/cities.ts')
  await app.db.transaction(async () => {
    await loadCountries(app.db, report)
    await loadCities(app.db, report)
  })
  await app.db.query('analyze')
}
