// Holds the promise of error codes: each is declared once, stands on the reference page, and is what at least one test expects.

import type { DeclaredError } from '../src/core/errors.ts'
import { productErrors } from './declared-errors.ts'
import { isStale, references } from './generate-docs.ts'
import { report } from './report.ts'
import { isTest, sourceFiles } from './source-files.ts'

const page = 'docs/reference/errors.md'

/** The codes that no test names, as a whole word. */
export function untestedErrors(errors: readonly DeclaredError[], tests: readonly string[]): string[] {
  const words = new Set(tests.flatMap((text) => text.match(/\b[A-Z][A-Z\d]*(?:_[A-Z\d]+)+\b/g) ?? []))
  return errors.filter(({ code }) => !words.has(code)).map(({ code }) => `No test expects the error code ${code}.`)
}

async function staleProblems(): Promise<string[]> {
  const reference = references.find(({ file }) => file === page)
  const stale = reference === undefined || (await isStale(reference))
  return stale ? [`${page} does not list the codes as they are: run "npm run docs".`] : []
}

function testTexts(): string[] {
  const patterns = ['src/**/*.ts', 'test/**/*.ts', 'examples/*/**/tests/*.ts']
  return patterns.flatMap((pattern) => sourceFiles(pattern).flatMap((file) => (isTest(file.path) ? [file.text] : [])))
}

if (import.meta.main) {
  const errors = await productErrors()
  report([...untestedErrors(errors, testTexts()), ...(await staleProblems())], `${errors.length} codes are documented and tested`)
}
