// Reports how long files and functions are. A conversation in a review, not a gate: exit code 0 whatever it finds. `node tools/measure.ts`.

import type { Node } from 'oxc-parser'
import { isTest, lineOf, sourceFiles, walk, type SourceFile } from './source-files.ts'

interface Length {
  readonly place: string
  readonly lines: number
}

const screenLines = 40
const shown = 12

/** One entry per function that spans several lines, as it is written. */
export function functionLengths(file: SourceFile): Length[] {
  const lengths: Length[] = []
  walk(file.syntax.program, (node) => {
    const lines = isFunction(node) ? lineOf(file.text, node.end) - lineOf(file.text, node.start) + 1 : 0
    if (lines > 1) lengths.push({ place: `${file.path}:${lineOf(file.text, node.start)}`, lines })
  })
  return lengths
}

function isFunction(node: Node): boolean {
  return node.type === 'FunctionDeclaration' || node.type === 'FunctionExpression' || node.type === 'ArrowFunctionExpression'
}

function print(title: string, lengths: readonly Length[], long: number): void {
  const sorted = lengths.toSorted((a, b) => a.lines - b.lines)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]?.lines ?? 0
  console.log(`\n${sorted.length} ${title}: median ${at(0.5)} lines, 19 of 20 at most ${at(0.95)}, longest ${at(1)}`)
  for (const { place, lines } of sorted
    .filter((one) => one.lines > long)
    .slice(-shown)
    .toReversed())
    console.log(`${String(lines).padStart(6)}  ${place}`)
}

if (import.meta.main) {
  const files = sourceFiles().filter((file) => !isTest(file.path))
  print('functions of several lines', files.flatMap(functionLengths), screenLines)
  print(
    'files',
    files.map((file) => ({ place: file.path, lines: lineOf(file.text, file.text.length) - 1 })),
    200,
  )
}
