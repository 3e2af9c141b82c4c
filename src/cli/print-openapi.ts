// The document that the running application serves at /openapi.json, without running it.

import { writeFile } from 'node:fs/promises'
import { composeUnconnected } from '../app/describe.ts'
import { openapiOf } from '../app/faces.ts'
import { loadApp } from './load-app.ts'
import { print, printJson } from './output.ts'

export async function printOpenapi(output: string | undefined): Promise<void> {
  const { definition, config } = await loadApp()
  const app = await composeUnconnected(definition, config)
  await app.fastify.ready()
  const document = openapiOf(app)
  if (output === undefined) return printJson(document)
  await writeFile(output, `${JSON.stringify(document, null, 2)}\n`)
  print(`Wrote ${output}.`)
}
