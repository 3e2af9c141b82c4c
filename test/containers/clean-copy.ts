// What a clone of the repository has: the files of the last commit, and nothing besides.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { temporaryFolder } from '../support/temporary.ts'

const repository = join(import.meta.dirname, '../..')

/** @returns path of a new folder; whoever asked for it removes it */
export function cleanCopy(): string {
  const folder = temporaryFolder('clone')
  const archive = execFileSync('git', ['archive', '--format=tar', 'HEAD'], { cwd: repository, maxBuffer: 1024 ** 3 })
  execFileSync('tar', ['--extract', '--directory', folder], { input: archive })
  return folder
}
