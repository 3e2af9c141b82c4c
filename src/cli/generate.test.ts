import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { plinth, repository, temporaryApp, type Finished } from '../../test/support/cli.ts'
import { testDatabase } from '../../test/support/postgres.ts'

const app = temporaryApp()
afterAll(() => app.remove())

function generate(...args: string[]): Promise<Finished> {
  return plinth(['generate', 'resource', ...args], { cwd: app.root })
}

function read(path: string): string {
  return readFileSync(join(app.root, path), 'utf8')
}

/** A program of node_modules/.bin, in the application's folder. */
function runTool(name: string, args: readonly string[]): { status: number | null; output: string } {
  const bin = join(repository, 'node_modules/.bin')
  const env = { ...process.env, DATABASE_URL: testDatabase().url, PATH: `${bin}:${process.env.PATH}`, VITEST: undefined }
  const { status, stdout, stderr } = spawnSync(join(bin, name), args, { cwd: app.root, encoding: 'utf8', env })
  return { status, output: stdout + stderr }
}

test('a resource of every type, with references to another table and to itself, comes with its migration', async () => {
  const words = [
    'string',
    'text?',
    'integer',
    'bigint',
    'decimal',
    'money',
    'float',
    'boolean',
    'date',
    'time',
    'timestamp',
    'json',
    'uuid',
  ]
  const fields = words.map((word) => `a_${word.replace('?', '')}:${word}`)
  const shelf = await generate('shelf', 'title', 'code:string:unique', 'parent:references:shelves', 'item_id:references?', ...fields)
  expect({ code: shelf.code, stderr: shelf.stderr }).toEqual({ code: 0, stderr: '' })
  expect(shelf.stdout).toBe(
    [
      '  new      api/models/shelves.ts',
      '  new      api/resources/shelves.ts',
      '  new      api/tests/shelves.test.ts',
      '  changed  api/models/index.ts',
      '  changed  api/resources/index.ts',
      '  new      migrations/0002_create_shelves/ (up.sql, down.sql)',
      'Read it, then apply it: plinth db upgrade\n',
    ].join('\n'),
  )
  expect(read('migrations/0002_create_shelves/up.sql')).toMatch(/FOREIGN KEY \("parent_id"\) REFERENCES "shelves"/)
  expect(await generate('note', 'body:text', 'shelf:references?', '--no-migration')).toMatchObject({ code: 0, stderr: '' })
}, 60_000)

test('what was generated type-checks', () => {
  app.write(
    'tsconfig.json',
    JSON.stringify({ extends: '../../../tsconfig.check.json', compilerOptions: { rootDir: '../../..' }, include: ['api'] }),
  )
  expect(runTool('tsc', ['-p', 'tsconfig.json'])).toEqual({ status: 0, output: '' })
})

test('the generated tests pass', () => {
  // From source, as everything in a checkout; elsewhere no configuration is needed.
  app.write('vitest.config.ts', `export default { resolve: { conditions: ['source'] }, ssr: { resolve: { conditions: ['source'] } } }\n`)
  const { status, output } = runTool('vitest', ['run', '--root', app.root])
  expect({ status, output }).toEqual({ status: 0, output: expect.stringMatching(/Tests .*2 passed/) })
})

describe('what cannot be generated ends with 2, and nothing is written', () => {
  test.each([
    ['a name that is taken', ['item'], 'api/models/items.ts, api/resources/items.ts'],
    ['a type that is misspelled', ['pen', 'ink:strng'], `ink:strng: "strng" is not a type. Perhaps you meant "string".\n`],
    [
      'a table to refer to that is not there',
      ['pen', 'itm:references'],
      `There is no table "itms" to refer to. Perhaps you meant "items".`,
    ],
  ])('%s', async (_what, args, message) => {
    const { code, stdout, stderr } = await generate(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(existsSync(join(app.root, 'api/models/pens.ts'))).toBe(false)
  })
})

test('an application without index files is told what to do by hand', async () => {
  const plain = temporaryApp(
    { 'api/app.ts': `import { defineApp } from 'plinth'\nexport default defineApp({ name: 'plain', resources: [], prefix: '' })\n` },
    { from: 'nothing' },
  )
  const { code, stdout } = await plinth(['generate', 'resource', 'pen', 'ink'], { cwd: plain.root })
  expect(code).toBe(0)
  expect(stdout).toContain('Give model and resource to defineApp in api/app.ts, then: plinth db migrate -m "create pens"\n')
  expect(readFileSync(join(plain.root, 'api/tests/pens.test.ts'), 'utf8')).toContain(`app.post('/pens', { ink: 'text' })`)
  plain.remove()
})
