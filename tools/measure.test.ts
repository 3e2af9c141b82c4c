import { expect, test } from 'vitest'
import { functionLengths } from './measure.ts'
import { parseSource } from './source-files.ts'

test('functions are measured by their lines, one-liners left out', () => {
  const text = `const one = () => 1\n\nfunction two() {\n  return 2\n}\n\nclass C {\n  three() {\n    const inner = () => {\n      return 3\n    }\n    return inner\n  }\n}`
  expect(functionLengths(parseSource('src/a.ts', text))).toEqual([
    { place: 'src/a.ts:3', lines: 3 },
    { place: 'src/a.ts:8', lines: 6 },
    { place: 'src/a.ts:9', lines: 3 },
  ])
})
