// Type-checks the TypeScript blocks of all pages in one run of the compiler.

import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { root } from '../source-files.ts'
import { kindOf } from './block-kinds.ts'
import type { Page } from './page.ts'
import { clearWorkspace, fileOf, writeBlock } from './workspace.ts'

/** Each block is a module of its own, unless it names its file; problems carry the page's line. */
export function typeProblems(pages: readonly Page[]): string[] {
  const folder = clearWorkspace()
  const places = new Map<string, string>()
  for (const page of pages) {
    for (const block of page.blocks) {
      if (kindOf(block) !== 'typecheck') continue
      writeBlock(page, block)
      places.set(relative(root, fileOf(page, block)), page.path)
    }
  }
  return places.size === 0 ? [] : compile(folder).map((line) => inPage(line, places))
}

function compile(folder: string): string[] {
  const options = { noEmit: true, composite: false, moduleDetection: 'force', rootDir: '../..' }
  const project = { extends: '../../tsconfig.json', compilerOptions: options, include: ['**/*.ts'], exclude: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project))
  const run = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', folder, '--pretty', 'false'], {
    cwd: root,
    encoding: 'utf8',
    timeout: 120_000,
  })
  if (run.error !== undefined) throw run.error
  return run.stdout.split('\n').filter((line) => /^\S.*error TS/.test(line))
}

function inPage(message: string, places: ReadonlyMap<string, string>): string {
  const [, file = '', line = '', rest = message] = /^(.+?)\((\d+),\d+\): (.*)$/.exec(message) ?? []
  return places.has(file) ? `${places.get(file)}:${line} ${rest}` : message
}
