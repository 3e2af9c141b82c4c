import { defineResource, signedIn } from 'plinth'
import { tags } from '../models/tags.ts'

export default defineResource(tags, {
  description: 'Labels for notes; each organization has its own.',
  tenant: 'organization_id',
  access: { read: signedIn, write: signedIn },
  sort: 'name',
})
