// Plinth as it runs in production: validation, access log in a file, metrics, security headers, entity tags.

import { createApp, readConfig } from 'plinth'
import definition from '../app/api/app.ts'
import { ready, settings } from './serve.ts'

const { databaseUrl, port, folder } = settings()
const config = readConfig(
  {
    APP_ENV: 'production',
    DATABASE_URL: databaseUrl,
    API_HOST: '127.0.0.1',
    API_PORT: String(port),
    SECRET_KEY: 'a8Fk29dkLq0s8dkW2mxPq93jdkalQwz7',
    JWT_SECRET_KEY: 'b8Fk29dkLq0s8dkW2mxPq93jdkalQwz8',
  },
  folder,
)
const app = await createApp(definition, config)
await app.start()
ready()
