import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { exportProblems } from './check-doors.ts'
import { publicSurface } from './public-surface.ts'

const db = { source: './src/db.ts', types: './dist/db.d.ts', default: './dist/db.js' }

test('exports and doors must be the same, with all three conditions in order', () => {
  expect(exportProblems({ './db': db, './package.json': './package.json' }, ['db'])).toEqual([])
  expect(exportProblems({ './db': db, './old': db }, ['db'])).toEqual(['package.json: exports["./old"] has no door in src/.'])
  expect(exportProblems({}, ['db'])).toEqual([`package.json: exports["./db"] must be ${JSON.stringify(db)}.`])
  expect(exportProblems({ './db': { default: db.default, source: db.source } }, ['db'])).toHaveLength(1)
  expect(exportProblems({ '.': db }, ['index'])).toHaveLength(1)
})

function surfaceOf(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'plinth-surface-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return publicSurface(join(folder, 'door.d.ts'))
}

test('the surface shows each exported name with its declaration, sorted, without comments', () => {
  const pool = `/** Long. */\nexport interface Pool {\n    /** Rows. */\n    size: number;\n}\nexport declare const a: number;\nexport declare const hidden: 1;\n`
  expect(surfaceOf({ 'door.d.ts': `export { type Pool, a } from './db/pool.ts';`, 'db/pool.d.ts': pool })).toBe(
    'Pool:\nexport interface Pool {\n    size: number;\n}\n\na:\nexport declare const a: number;\n',
  )
})

test('the surface keeps every overload, follows re-exports and names other packages', () => {
  const files = {
    'door.d.ts': `export { open as connect } from './a.ts';\nexport { eq } from 'drizzle-orm';`,
    'a.d.ts': `export { open } from './b.js';`,
    'b.d.ts': 'export declare function open(): void;\nexport declare function open(url: string): void;\n',
  }
  expect(surfaceOf(files)).toContain('export declare function open(): void;\nexport declare function open(url: string): void;')
  expect(surfaceOf(files)).toContain(`eq: from 'drizzle-orm'`)
})
