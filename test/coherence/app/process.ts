// One process of the application: `node --conditions=source process.ts NAME=value …`. Says its port when it listens.
// `BROKEN=joinAnyFill` leaves out rules of the cache.

import { tmpdir } from 'node:os'
import { readConfig } from 'plinth'
import { createAppWith } from '../../../src/app/create.ts'
import { definition } from './definition.ts'

/** The same in all processes, as in production: they share entries that are sealed with it. */
const secret = 'a8Fk29dkLq0s8dkW2mxPq93jdkalQwz7'
/** Much more often than in production. */
const sampleOneIn = 100
const given = Object.fromEntries(process.argv.slice(2).map((pair) => pair.split(/=(.*)/s).slice(0, 2) as [string, string]))
/** Eight hot registers on a busy machine: who is turned away for its load tells nothing about the cache. */
const patient = { LOOP_DELAY_LIMIT: '1h', DB_LOCK_TIMEOUT: '10s', DB_STATEMENT_TIMEOUT: '12s' }
const config = readConfig({ APP_ENV: 'testing', LOG_LEVEL: 'error', SECRET_KEY: secret, ...patient, ...given }, tmpdir())
// The names of both modes' rules are different ones.
const faults = Object.fromEntries((given['BROKEN'] ?? '').split(',').map((rule) => [rule, true]))
const cache = { faults, fencedFaults: faults, sampleOneIn }
const app = await createAppWith({ cache }, definition(given['REDIS_URL']), config)
const { url } = await app.start()
process.send?.({ port: Number(new URL(url).port) })
process.on('disconnect', () => process.exit(0)) // whoever started it is gone
