import { any, defineResource, member, owner, where } from 'plinth'
import { notes } from '../models/notes.ts'

const shared = where(() => ({ shared: true }))

export default defineResource(notes, {
  description: 'Notes of their author, or of the whole organization when they are shared.',
  tenant: 'organization_id',
  access: {
    read: any(shared, owner('author_id')),
    create: owner('author_id'),
    update: any(shared, owner('author_id')),
    delete: any(owner('author_id'), member('organization_id', { role: 'owner' })),
  },
  readOnly: ['author_id'],
  search: ['title', 'body'],
  sort: '-created_at',
})
