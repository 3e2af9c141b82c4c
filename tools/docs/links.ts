// Links between pages: the file must be there, and the heading too. The web is not asked.

import { existsSync } from 'node:fs'
import { join, posix } from 'node:path'
import { root } from '../source-files.ts'
import type { Page } from './page.ts'

/** `exists` is asked about paths from the repository's folder. */
export function linkProblems(pages: readonly Page[], exists = (path: string): boolean => existsSync(join(root, path))): string[] {
  const pageByPath = new Map(pages.map((page) => [page.path, page]))
  return pages.flatMap((page) =>
    page.links.flatMap(({ line, target }) => {
      const problem = /^[a-z]+:/i.test(target) ? undefined : linkProblem(page.path, target, pageByPath, exists)
      return problem === undefined ? [] : [`${page.path}:${line} ${problem}`]
    }),
  )
}

function linkProblem(
  from: string,
  target: string,
  pages: ReadonlyMap<string, Page>,
  exists: (path: string) => boolean,
): string | undefined {
  const [file = '', anchor] = target.split('#')
  const path = file === '' ? from : posix.join(posix.dirname(from), decodeURIComponent(file))
  if (!exists(path)) return `The link leads nowhere: ${path} does not exist.`
  const page = pages.get(path)
  if (anchor === undefined || page === undefined || page.anchors.has(anchor)) return undefined
  return `The link leads nowhere: ${path} has no heading #${anchor}.`
}
