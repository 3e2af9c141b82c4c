import { anyone, defineResource } from 'plinth'
import { items } from '../models/items.ts'

export default defineResource(items, {
  access: { read: anyone, write: anyone },
  cache: { ttl: '5m', mode: 'fenced' },
})
