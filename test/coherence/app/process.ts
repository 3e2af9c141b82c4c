// One process of the application: `node --conditions=source process.ts NAME=value …`. Says its port when it listens; complains on stderr.

import { tmpdir } from 'node:os'
import { createApp, readConfig } from 'plinth'
import { definition } from './definition.ts'

const given = Object.fromEntries(process.argv.slice(2).map((pair) => pair.split(/=(.*)/s).slice(0, 2) as [string, string]))
const config = readConfig({ APP_ENV: 'testing', LOG_LEVEL: 'error', ...given }, tmpdir())
const app = await createApp(definition(given['REDIS_URL']), config)
const { url } = await app.start()
process.send?.({ port: Number(new URL(url).port) })
process.on('disconnect', () => process.exit(0)) // whoever started it is gone
