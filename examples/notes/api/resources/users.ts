import { defineResource, where } from 'plinth'
import { users } from '../models/users.ts'

export default defineResource(users, {
  description: 'People of the organization that the request acts in.',
  access: { read: where((who) => ({ 'memberships.organization_id': who.tenant })) },
  hidden: ['email_verified_at', 'disabled_at', 'created_at', 'updated_at'],
  search: ['display_name', 'email'],
})
