import { acrossTenants, defineResource, member, signedIn } from 'plinth'
import { drizzleOn } from 'plinth/db'
import { memberships, organizations } from '../models/organizations.ts'

export default defineResource(organizations, {
  description: 'What people work together in. Whoever makes one is its owner.',
  access: {
    read: member('id'),
    create: signedIn,
    update: member('id', { role: 'owner' }),
    delete: member('id', { role: 'owner' }),
  },
  hooks: {
    // In the transaction of the write: there is no organization without an owner. It is the first row of a tenant that nobody acts in yet.
    async afterWrite({ id }, { operation, who, db }) {
      if (operation !== 'create' || who.kind !== 'user' || who.id === undefined) return
      const owner = { organization_id: id, user_id: who.id, role: 'owner' as const }
      await acrossTenants(() => drizzleOn(db).insert(memberships).values(owner))
    },
  },
})
