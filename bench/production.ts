// The configuration of Plinth in a benchmark: as it runs in production.

import { readConfig } from 'plinth'
import { settings } from './servers/serve.ts'

/** @param more  settings of this one */
export function productionConfig(more: Readonly<Record<string, string>> = {}): ReturnType<typeof readConfig> {
  const { databaseUrl, port, folder } = settings()
  const usual = {
    APP_ENV: 'production',
    DATABASE_URL: databaseUrl,
    API_HOST: '127.0.0.1',
    API_PORT: String(port),
    SECRET_KEY: 'a8Fk29dkLq0s8dkW2mxPq93jdkalQwz7',
    JWT_SECRET_KEY: 'b8Fk29dkLq0s8dkW2mxPq93jdkalQwz8',
  }
  return readConfig({ ...usual, ...more }, folder)
}
