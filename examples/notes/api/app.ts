import { defineApp } from 'plinth'
import * as models from './models/index.ts'
import * as resources from './resources/index.ts'
import { invitations, joinOrganization } from './routes/invitations.ts'
import { seed } from './seed.ts'

export default defineApp({
  name: 'notes',
  description: 'Notes and tags of organizations: several tenants in one database, none of which sees another.',
  models,
  resources,
  auth: {
    users: models.users,
    tenants: { table: models.organizations, members: models.memberships },
    signUpFields: ['display_name'],
    invitationAccepted: joinOrganization,
  },
  routes: [invitations],
  seed,
})
