// The shop in a process of its own, to be killed: `node --conditions=source shop-process.ts URL-of-its-database [NAME=value …]`.
// Prints its port when it listens.

import { tmpdir } from 'node:os'
import { createApp } from '../../../src/app/create.ts'
import { readConfig } from '../../../src/core/env.ts'
import { shop } from './shop.ts'

const [url = '', ...settings] = process.argv.slice(2)
const given = Object.fromEntries(settings.map((pair) => pair.split('=') as [string, string]))
const config = readConfig({ APP_ENV: 'testing', LOG_LEVEL: 'error', API_PORT: '0', DATABASE_URL: url, ...given }, tmpdir())
const app = await createApp(shop(), config)
const started = await app.start()
process.stdout.write(`port ${new URL(started.url).port}\n`)
