// What is done with a code block of a page: by its language, unless the comment above it says otherwise.

import type { Block } from './page.ts'

/** `typecheck` against the doors, `run` in a shell, `output` of the last run, `json` is parsed, `skip` with a reason, `none`: not our language. */
export type BlockKind = 'typecheck' | 'run' | 'background' | 'output' | 'json' | 'skip' | 'none'

const typescript = new Set(['ts', 'typescript'])
const shell = new Set(['bash', 'sh', 'shell'])

/** @returns the kind, or a sentence about what is missing */
export function kindOf({ language, directives }: Block): BlockKind | { readonly problem: string } {
  if (directives.has('skip')) return directives.get('skip') === '' ? { problem: 'Say why it is skipped: <!-- skip: reason -->.' } : 'skip'
  if (directives.has('output')) return 'output'
  if (directives.has('background')) return 'background'
  if (directives.has('run')) return 'run'
  if (typescript.has(language) || directives.has('typecheck')) return 'typecheck'
  if (shell.has(language)) return { problem: 'A shell block is run or says why not: <!-- run --> or <!-- skip: reason -->.' }
  return language === 'json' ? 'json' : 'none'
}
