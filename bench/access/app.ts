// The applications whose access is measured. One has the notes under a name for each policy; the other keeps them by tenant, with
// row-level security on, which is on for all that an application does.

import { anyone, type AppDefinition, defineApp, defineResource, owner, signedIn } from 'plinth'
import { models } from './tables.ts'

const { memberships: members, notes, organizations, user_roles: userRoles, users } = models

export type AppName = 'policies' | 'tenants'

const resources = {
  policies: [
    defineResource(notes, { name: 'open', access: { read: anyone } }),
    defineResource(notes, { name: 'owned', access: { read: owner('author_id') } }),
  ],
  tenants: [defineResource(notes, { name: 'tenanted', tenant: 'organization_id', access: { read: signedIn } })],
}

export const appNames: readonly AppName[] = ['policies', 'tenants']

export function isAppName(text: string): text is AppName {
  return Object.hasOwn(resources, text)
}

export function accessApp(name: AppName): AppDefinition {
  return defineApp({
    name: 'bench',
    models,
    resources: resources[name],
    auth: {
      users,
      userRoles,
      roles: { writer: ['notes.write', 'notes.read'] },
      ...(name === 'tenants' ? { tenants: { table: organizations, members } } : {}),
    },
  })
}
