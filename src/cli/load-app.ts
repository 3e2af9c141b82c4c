// Finds the application a command is about: `api/app.ts` in this folder or one above it.

import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AppDefinition } from '../app/define.ts'
import type { Config } from '../core/config.ts'
import { loadConfig } from '../core/env.ts'
import { UsageError } from './output.ts'

const places = ['api/app.ts', 'api/app.js', 'dist/api/app.js']

export interface LoadedApp {
  readonly definition: AppDefinition
  /** Folder of the application. */
  readonly root: string
  readonly file: string
  readonly config: Config
}

/** @throws UsageError when there is no application, or its file does not export one */
export async function loadApp(from: string = process.cwd()): Promise<LoadedApp> {
  const file = applicationFile(from)
  const module = (await import(pathToFileURL(file).href)) as { readonly default?: unknown }
  if (!isDefinition(module.default)) throw new UsageError(`${file} does not export an application. Write: export default defineApp({ … })`)
  const root = rootOf(file)
  return { definition: module.default, root, file, config: loadConfig(root, module.default.options.environment) }
}

/** Folder of the application, without loading it. */
export function findRoot(from: string = process.cwd()): string {
  return rootOf(applicationFile(from))
}

function applicationFile(from: string): string {
  const file = findApp(from)
  if (file === undefined)
    throw new UsageError(`There is no application here: ${places[0]} is missing in this folder and in those above it.`)
  return file
}

function findApp(from: string): string | undefined {
  const found = places.map((place) => join(from, place)).find((path) => existsSync(path))
  if (found !== undefined) return found
  const above = dirname(from)
  return above === from ? undefined : findApp(above)
}

function rootOf(file: string): string {
  const folder = dirname(dirname(file))
  return folder.endsWith('dist') ? dirname(folder) : folder
}

function isDefinition(value: unknown): value is AppDefinition {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'app'
}
