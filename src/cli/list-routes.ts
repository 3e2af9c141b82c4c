// Routes as the application registered them; no database is needed for it.

import { describeRoutes } from '../app/describe.ts'
import { loadApp } from './load-app.ts'
import { print, printJson, table } from './output.ts'

export async function listRoutes(json: boolean): Promise<void> {
  const { definition, config } = await loadApp()
  const routes = await describeRoutes(definition, config)
  if (json) return printJson(routes)
  print(
    table(
      ['METHOD', 'PATH', 'ANSWERS'],
      routes.map(({ method, path, answers }) => [method, path, answers]),
    ),
  )
}
