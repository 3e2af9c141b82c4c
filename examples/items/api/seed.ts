import type { App } from 'plinth'

const samples = [
  { name: 'Hammer', description: 'Drives nails.' },
  { name: 'Screwdriver', description: 'Turns screws.' },
  { name: 'Spirit level', description: 'Knows what is straight.' },
]

/** Loads three items into an empty table. */
export async function seed(app: App): Promise<void> {
  const items = app.resource('items')
  const { records } = await items.list({ page: { size: 1 } })
  if (records.length === 0) await items.createMany(samples)
}
