import { anyone, defineResource } from 'plinth'
import { countries } from '../models/countries.ts'

export default defineResource(countries, {
  description: 'Countries and territories of the world.',
  access: { read: anyone },
  search: ['name', 'official_name', 'region', 'subregion'],
  sort: 'name',
  page: { size: 50, max: 300 },
})
