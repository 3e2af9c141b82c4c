import { defineApp } from 'plinth'
import * as models from './models/items.ts'
import items from './resources/items.ts'

export default defineApp({
  name: 'items-minimal',
  models,
  resources: [items],
  prefix: '',
  replies: 'bare',
  environment: { API_PORT: '5000' },
})
