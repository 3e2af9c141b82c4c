import { anyone, defineResource } from 'plinth'
import { items } from '../models/items.ts'

export default defineResource(items, {
  description: 'Things with a name.',
  access: { read: anyone, write: anyone },
  search: ['name', 'description'],
  cache: { ttl: '5m', mode: 'fenced' },
})
