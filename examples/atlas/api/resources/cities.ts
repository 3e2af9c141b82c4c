import { anyone, defineResource } from 'plinth'
import { cities } from '../models/cities.ts'

export default defineResource(cities, {
  description: 'Populated places with a thousand people or more.',
  access: { read: anyone },
  search: ['name'],
  sort: '-population',
})
