import { defineApp } from 'plinth'
import * as models from './models/index.ts'
import * as resources from './resources/index.ts'
import { seed } from './seed.ts'

export default defineApp({
  name: 'atlas',
  description: 'The countries, cities, languages and currencies of the world.',
  models,
  resources,
  seed,
})
