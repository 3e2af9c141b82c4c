// The folder in which the blocks of a page live while they are checked: below .plinth/, where "plinth" is this repository.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from '../source-files.ts'
import type { Block, Page } from './page.ts'

const parent = join(root, '.plinth/docs')

/** An empty folder for the whole run. */
export function clearWorkspace(): string {
  rmSync(parent, { recursive: true, force: true })
  mkdirSync(parent, { recursive: true })
  return parent
}

/** Blocks of one page with the same `app` share a folder. */
export function folderOf(page: Page, block: Block): string {
  return join(parent, page.path.replaceAll(/[/.]/g, '-'), block.directives.get('app') ?? 'page')
}

/** The file of a block: the one it names, or one of its own. */
export function fileOf(page: Page, block: Block): string {
  return join(folderOf(page, block), block.directives.get('file') ?? `block-${block.line}.ts`)
}

/** Writes the block at the lines that it has in the page, so that a compiler's message has the page's line. */
export function writeBlock(page: Page, block: Block): void {
  const file = fileOf(page, block)
  const before = block.setup === undefined ? '' : `${'\n'.repeat(block.setup.line - 1)}${block.setup.code}`
  const gap = '\n'.repeat(block.line - 1 - (before.split('\n').length - 1))
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${before}${gap}${block.code}`)
}
