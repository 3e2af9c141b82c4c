import { defineApp } from 'plinth'
import * as models from './models/index.ts'
import * as resources from './resources/index.ts'
import { seed } from './seed.ts'

export default defineApp({
  name: 'items',
  description: 'Keeps items: the smallest complete application.',
  models,
  resources,
  replies: 'bare',
  seed,
})
