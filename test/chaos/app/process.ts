// One process of it: `node --conditions=source process.ts NAME=value …`. Says its port when it listens, then logs.

import { tmpdir } from 'node:os'
import { readConfig } from 'plinth'
import { createApp } from '../../../src/app/create.ts'
import { guardProcess } from '../../../src/core/guard-process.ts'
import { definition } from './definition.ts'

/** As production has them; the other defaults of testing are production's too. A machine that others use is late without being overloaded. */
const own = {
  LOOP_DELAY_LIMIT: '5s',
  APP_ENV: 'testing',
  LOG_LEVEL: 'warn',
  API_PORT: '0',
  DB_CONNECT_TIMEOUT: '1s',
  SECRET_KEY: 'a8Fk29dkLq0s8dkW2mxPq93jdkalQwz7',
}
const given = Object.fromEntries(process.argv.slice(2).map((pair) => pair.split(/=(.*)/s).slice(0, 2) as [string, string]))
const config = readConfig({ ...own, ...given }, tmpdir())
const app = await createApp(definition, config)
guardProcess({ log: app.log, stop: () => app.stop(), flush: () => app.log.flush(), timeoutMs: 10_000 })
const { url } = await app.start()
process.send?.({ port: Number(new URL(url).port) })
process.on('disconnect', () => process.exit(0)) // whoever started it is gone
