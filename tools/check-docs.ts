// Holds the documentation to the product: links lead somewhere, generated pages are fresh, TypeScript compiles against the doors,
// shell blocks run and print what the page shows. CONTRIBUTING.md, "Code in documentation", has the rules for writers.
// `node tools/check-docs.ts docs/models.md` checks the code of that page alone.

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { kindOf } from './docs/block-kinds.ts'
import { linkProblems } from './docs/links.ts'
import { readPage, type Page } from './docs/page.ts'
import { runProblems } from './docs/run.ts'
import { typeProblems } from './docs/typecheck.ts'
import { isStale, references } from './generate-docs.ts'
import { report } from './report.ts'
import { root } from './source-files.ts'

/** Pages whose links are checked; of these, the documentation has its code checked too. */
const linked = ['*.md', 'docs/**/*.md', 'decisions/**/*.md', 'changes/**/*.md', 'examples/*/*.md', 'bench/*.md']
const documentation = /^(README\.md|docs\/.*|examples\/[^/]+\/README\.md)$/

function readPages(): Page[] {
  const paths = globSync(linked, { cwd: root, exclude: ['**/node_modules'] }).map((path) => path.replaceAll('\\', '/'))
  return paths.toSorted().map((path) => readPage(path, readFileSync(join(root, path), 'utf8')))
}

/** Blocks that nobody could check as they are marked. */
export function markProblems(page: Page): string[] {
  const unclear = page.blocks.flatMap((block) => {
    const kind = kindOf(block)
    if (typeof kind === 'object') return [`${page.path}:${block.line} ${kind.problem}`]
    return kind === 'json' && !isJson(block.code) ? [`${page.path}:${block.line} This is not JSON.`] : []
  })
  return [...page.problems, ...unclear]
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

async function staleProblems(): Promise<string[]> {
  const stale = await Promise.all(
    references.map(async (one) => ((await isStale(one)) ? [`${one.file} is stale: run "npm run docs".`] : [])),
  )
  return stale.flat()
}

if (import.meta.main) {
  const pages = readPages()
  const wanted = process.argv.slice(2)
  const checked = pages.filter(({ path }) => (wanted.length === 0 ? documentation.test(path) : wanted.includes(path)))
  const problems = [...linkProblems(pages), ...(await staleProblems()), ...checked.flatMap(markProblems), ...typeProblems(checked)]
  for (const page of checked) problems.push(...(await runProblems(page)))
  const blocks = checked.flatMap((page) => page.blocks.map(kindOf))
  const counts = ['typecheck', 'run', 'skip'].map((kind) => `${blocks.filter((one) => one === kind).length} ${kind}`)
  report(problems, `${pages.length} pages, ${blocks.length} code blocks (${counts.join(', ')})`)
}
