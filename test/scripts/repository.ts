// A small repository around the real scripts/, with nothing to install and whatever the test puts into it.

import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { temporaryFolder } from '../support/temporary.ts'

const scripts = join(import.meta.dirname, '../../scripts')

/** Its path has a space. Files that are given replace those of scripts/. */
export function repositoryWith(files: Record<string, string>): string {
  const parent = temporaryFolder('scripts')
  const folder = join(parent, 'a clone')
  onTestFinished(() => rmSync(parent, { recursive: true }))
  cpSync(scripts, join(folder, 'scripts'), { recursive: true })
  for (const [name, text] of Object.entries({ 'package-lock.json': '{"packages":{}}', ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}
