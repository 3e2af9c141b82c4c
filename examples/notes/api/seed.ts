// Two organizations, so that there is something to see and something that is not seen. Its passwords are known: never in production.

import type { App } from 'plinth'
import { drizzleOn } from 'plinth/db'
import * as models from './models/index.ts'

const password = 'correct horse battery'

const organizations = [
  { name: 'Acme', owner: 'ann@example.com', members: ['bob@example.com'], tag: 'anvils', note: 'Buy anvils' },
  { name: 'Globex', owner: 'carol@example.com', members: [], tag: 'globes', note: 'Sell globes' },
]

/** All of it or, where its first account is, nothing. */
export async function seed(app: App): Promise<void> {
  if (app.config.env === 'production' || (await app.auth?.accounts.findByEmail('ann@example.com')) !== undefined) return
  await app.db.transaction(async () => {
    for (const one of organizations) await seedOrganization(app, one)
  })
}

async function seedOrganization(app: App, { name, owner, members, tag, note }: (typeof organizations)[number]): Promise<void> {
  const drizzle = drizzleOn(app.db)
  const { id: organization_id } = await only(drizzle.insert(models.organizations).values({ name }).returning())
  const author_id = await join(app, organization_id, owner, 'owner')
  for (const email of members) await join(app, organization_id, email, 'member')
  const shared = { organization_id, author_id, title: note, body: 'Everybody here sees this.', shared: true }
  const { id: note_id } = await only(drizzle.insert(models.notes).values(shared).returning())
  await drizzle.insert(models.notes).values({ organization_id, author_id, title: 'Think about it', body: 'Nobody else sees this.' })
  const { id: tag_id } = await only(drizzle.insert(models.tags).values({ organization_id, name: tag }).returning())
  await drizzle.insert(models.note_tags).values({ organization_id, note_id, tag_id })
}

async function only<row>(rows: PromiseLike<row[]>): Promise<row> {
  const [row] = await rows
  if (row === undefined) throw new Error('Nothing was inserted.')
  return row
}

async function join(app: App, organization_id: string, email: string, role: 'owner' | 'member'): Promise<string> {
  const user_id = (await app.auth?.accounts.create({ email, password })) ?? ''
  await drizzleOn(app.db).insert(models.memberships).values({ organization_id, user_id, role })
  return user_id
}
