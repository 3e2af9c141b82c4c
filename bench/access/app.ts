// The application whose access is measured: one table, under a name for each policy.

import { anyone, type AppDefinition, defineApp, defineResource, owner } from 'plinth'
import * as models from './tables.ts'

export const accessApp: AppDefinition = defineApp({
  name: 'bench',
  models,
  resources: [
    defineResource(models.notes, { name: 'open', access: { read: anyone } }),
    defineResource(models.notes, { name: 'owned', access: { read: owner('author_id') } }),
  ],
  auth: { users: models.users, userRoles: models.user_roles, roles: { writer: ['notes.write', 'notes.read'] } },
})
