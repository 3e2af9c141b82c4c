// Plinth as it runs in production, its posts cached in the way that the command line says: `none`, `verified`, `near` or `fenced`.

import { createApp, readConfig } from 'plinth'
import { ready, settings } from '../../servers/serve.ts'
import { cachedApp, isCacheWay } from '../app.ts'

const { databaseUrl, port, folder } = settings()
const [redisUrl = '', way = ''] = process.argv.slice(5)
if (!isCacheWay(way)) throw new Error(`There is no way "${way}".`)
const config = readConfig(
  {
    APP_ENV: 'production',
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    API_HOST: '127.0.0.1',
    API_PORT: String(port),
    SECRET_KEY: 'a8Fk29dkLq0s8dkW2mxPq93jdkalQwz7',
    JWT_SECRET_KEY: 'b8Fk29dkLq0s8dkW2mxPq93jdkalQwz8',
  },
  folder,
)
const app = await createApp(cachedApp(way), config)
await app.start()
ready()
