// Plinth as it runs in production: validation, access log in a file, metrics, security headers, entity tags.

import { createApp } from 'plinth'
import definition from '../app/api/app.ts'
import { productionConfig } from '../production.ts'
import { ready } from './serve.ts'

const app = await createApp(definition, productionConfig())
await app.start()
ready()
