import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { plinth, temporaryApp, type Finished } from '../../test/support/cli.ts'

// One application whose models change from test to test. No command here needs a database.

const app = temporaryApp(
  {
    'api/app.ts': `import { defineApp } from 'plinth'\nimport * as models from './models.ts'\nexport default defineApp({ name: 'library', models, resources: [] })\n`,
  },
  { from: 'nothing' },
)
afterAll(() => app.remove())

/** The only table: its name and its columns besides the key. */
function model(table: string, columns: string): void {
  app.write(
    'api/models.ts',
    `import { integer, pgTable, serial, text } from 'plinth/db'\nexport const ${table} = pgTable('${table}', { id: serial().primaryKey(), ${columns} })\nexport const unused = [integer, text]\n`,
  )
}

function migrate(...args: string[]): Promise<Finished> {
  return plinth(['db', 'migrate', ...args], { cwd: app.root, env: { DATABASE_URL: 'postgres://127.0.0.1:1/none' } })
}

function up(revision: string): string {
  return readFileSync(join(app.root, 'migrations', revision, 'up.sql'), 'utf8')
}

function modeOf(path: string): number {
  return statSync(join(app.root, path)).mode
}

test('a folder without migrations is no mistake', async () => {
  model('books', 'title: text(), pages: integer()')
  expect((await plinth(['db', 'history'], { cwd: app.root })).stdout).toBe(
    'There are no migrations. Write the first: plinth db migrate -m "…"\n',
  )
  expect(await migrate('--check', '--json')).toEqual({
    code: 1,
    stderr: '',
    stdout: '{\n  "changes": [\n    "table \\"books\\" is new"\n  ]\n}\n',
  })
})

test('a migration wants a message', async () => {
  expect(await migrate()).toEqual({ code: 2, stdout: '', stderr: 'Say what changes: plinth db migrate -m "add price to books"\n' })
})

test('it is written to a folder of its own, and then there is nothing more to migrate', async () => {
  expect(await migrate('-m', 'create books')).toEqual({
    code: 0,
    stderr: '',
    stdout: '  new      migrations/0001_create_books/ (up.sql, down.sql)\nRead it, then apply it: plinth db upgrade\n',
  })
  expect(up('0001_create_books')).toContain('CREATE TABLE "books"')
  // As anything else that is made here: in an image another user reads it.
  expect(modeOf('migrations/0001_create_books')).toBe(modeOf('migrations'))
  expect(await migrate('--check')).toEqual({ code: 0, stderr: '', stdout: 'Models and migrations agree.\n' })
  expect(JSON.parse((await migrate('-m', 'again', '--json')).stdout)).toEqual({ revisions: [], warnings: [] })
})

describe('a rename is never guessed', () => {
  test('without a terminal the answers are listed as flags, and nothing is written', async () => {
    model('books', 'heading: text(), pages: integer()')
    expect(await migrate('-m', 'rename')).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'The column "books.heading" is new or renamed; that is not guessed. Say which:\n  --rename books.title:heading\n  --no-rename\n',
    })
    expect((await migrate('--check')).stdout).toContain('  - column "books.heading" is new\n')
  })

  test('what is no rename is refused', async () => {
    expect(await migrate('-m', 'rename', '--rename', 'title')).toMatchObject({
      code: 2,
      stderr: '"title" is not a rename. Write table.old:new.\n',
    })
  })

  test('--rename and --rename-table keep the data; what would be lost is refused until --allow-loss names it', async () => {
    model('volumes', 'heading: text()')
    const renames = ['-m', 'rename', '--rename-table', 'books:volumes', '--rename', 'volumes.title:heading']
    expect(await migrate(...renames)).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'This migration can lose data, so nothing was written:\n  - it drops the column "volumes.pages" and what is in it\n' +
        'If that is meant, add:\n  --allow-loss volumes.pages\n',
    })
    const written = await migrate(...renames, '--allow-loss', 'volumes.pages', '--json')
    expect(written).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(written.stdout)).toMatchObject({ revisions: ['0002_rename'] })
    expect(up('0002_rename')).toMatch(/RENAME TO "volumes"/)
    expect(up('0002_rename')).toMatch(/RENAME COLUMN "title" TO "heading"/)
    expect(up('0002_rename')).toMatch(/DROP COLUMN "pages"/)
  })

  test('--no-rename says that all of it is new', async () => {
    model('volumes', 'name: text()')
    expect((await migrate('-m', 'name', '--no-rename')).stderr).toContain('  --allow-loss volumes.heading\n')
  })
})

test.each(['drizzle-kit', '@electric-sql/pglite'])('without %s the message says what to install', async (tool) => {
  model('volumes', 'heading: text(), chapters: integer()')
  const missing = `import { registerHooks } from 'node:module'
    registerHooks({ resolve(name, context, next) {
      if (name.startsWith('${tool}')) throw Object.assign(new Error("Cannot find package '${tool}'"), { code: 'ERR_MODULE_NOT_FOUND' })
      return next(name, context)
    } })`
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(missing)}` }
  const { code, stdout, stderr } = await plinth(['db', 'migrate', '-m', 'chapters'], { cwd: app.root, env })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toBe(`Writing a migration needs the package "${tool}", which is not installed.\nnpm install --save-dev ${tool}\n`)
})
