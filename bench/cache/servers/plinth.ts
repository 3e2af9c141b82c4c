// Plinth as it runs in production, its posts cached in the way that the command line says: `none`, `verified`, `near` or `fenced`.

import { createApp } from 'plinth'
import { productionConfig } from '../../production.ts'
import { ready } from '../../servers/serve.ts'
import { cachedApp, isCacheWay } from '../app.ts'

const [redisUrl = '', way = ''] = process.argv.slice(5)
if (!isCacheWay(way)) throw new Error(`There is no way "${way}".`)
const app = await createApp(cachedApp(way), productionConfig({ REDIS_URL: redisUrl }))
await app.start()
ready()
