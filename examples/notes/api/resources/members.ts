import { any, defineResource, member, owner, signedIn } from 'plinth'
import { memberships } from '../models/organizations.ts'

export default defineResource(memberships, {
  name: 'members',
  description: 'Who belongs to the organization. People join by invitation.',
  tenant: 'organization_id',
  access: {
    read: signedIn,
    update: member('organization_id', { role: 'owner' }),
    delete: any(owner('user_id'), member('organization_id', { role: 'owner' })),
  },
  readOnly: ['user_id'],
})
