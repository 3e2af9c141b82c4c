import { afterAll, describe, expect, test } from 'vitest'
import { plinth, temporaryApp, type Finished } from '../../test/support/cli.ts'

const apps = {
  good: temporaryApp(),
  wrong: temporaryApp(),
  none: temporaryApp({ 'api/app.ts': 'export const app = 1\n' }, { from: 'nothing' }),
}
afterAll(() => Object.values(apps).forEach((app) => app.remove()))

const notes = (name: string, options: string): string => `import { anyone, defineResource } from 'plinth'
import { pgTable, serial, text } from 'plinth/db'
export const ${name} = pgTable('${name}', { id: serial().primaryKey(), body: text() })
export default defineResource(${name}, { access: { read: anyone }, ${options} })
`

function run(app: keyof typeof apps, args: readonly string[], env: Record<string, string> = {}): Promise<Finished> {
  return plinth(args, { cwd: apps[app].root, env })
}

test('all mistakes of all definitions are listed with file, resource and the nearest right name', async () => {
  apps.wrong.write('api/resources/notes.ts', notes('notes', `search: ['bdy']`))
  apps.wrong.write('api/resources/memos.ts', notes('memos', `hidden: ['ided'], page: { size: 0 }`))
  apps.wrong.write('api/resources/index.ts', `export { default as a } from './notes.ts'\nexport { default as b } from './memos.ts'\n`)
  const { code, stdout, stderr } = await run('wrong', ['routes', '--json'])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain(
    '  - api/resources/notes.ts: resource "notes": search: "bdy" is not a field of "notes". Perhaps you meant "body".\n',
  )
  expect(stderr).toContain('  - api/resources/memos.ts: resource "memos": hidden: "ided" is not a field of "memos".')
  expect(stderr).toContain('  - api/resources/memos.ts: resource "memos": page.size is a whole number above 0.\n')
})

test('all mistakes of the configuration are listed by name, without a secret', async () => {
  const { code, stdout, stderr } = await run('good', ['start', 'api'], {
    API_PORT: 'eighty',
    LOG_LEVEL: 'loud',
    DATABASE_URL: 'mysql://me:secret@db/x',
  })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^The configuration has 3 mistakes:\n/)
  for (const name of ['API_PORT', 'LOG_LEVEL', 'DATABASE_URL']) expect(stderr).toMatch(new RegExp(`^  - ${name} must be `, 'm'))
  expect(stderr).not.toContain('secret')
})

describe('an application that cannot be loaded', () => {
  test('that exports nothing: what to write', async () => {
    const { code, stderr } = await run('none', ['routes'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/api\/app\.ts does not export an application\. Write: export default defineApp\(\{ … \}\)\n$/)
  })

  test('for a syntax error: the line, and no calls inside of Node', async () => {
    apps.none.write('api/app.ts', `import { defineApp } from 'plinth'\nexport default defineApp({{\n`)
    const { code, stderr } = await run('none', ['routes'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/api\/app\.ts:2\n(.*\n)?export default defineApp\(\{\{\n +\^\n/)
    expect(stderr).not.toMatch(/file:|node:internal/)
  })

  test('for a model that throws: the place in the model', async () => {
    apps.none.write('api/app.ts', `const models: string[] = []\nmodels[0].length\n`)
    const { code, stderr } = await run('none', ['routes'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^TypeError: Cannot read .*\n +at \/.*\/api\/app\.ts:2:11\n$/)
  })
})

describe('a database that cannot be used', () => {
  test('because nobody answers: its address and the reason, without the password', async () => {
    const { code, stdout, stderr } = await run('good', ['db', 'status', '--json'], {
      DATABASE_URL: 'postgres://me:secret@127.0.0.1:1/shop',
    })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toBe(
      'The database at 127.0.0.1:1/shop refused the connection: connect ECONNREFUSED 127.0.0.1:1.\n' +
        'Check DATABASE_URL (or DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD).\n',
    )
  })

  test('a start that was to prepare it ends with 1', async () => {
    const { code, stderr } = await run('good', ['start', 'api', '--prepare'], {
      DATABASE_URL: 'postgres://127.0.0.1:1/shop',
      API_PORT: '0',
    })
    expect(code).toBe(1)
    expect(stderr).toContain('The database at 127.0.0.1:1/shop refused the connection')
  })

  test('production says no to the embedded one, and asks for its secrets with the command that makes one', async () => {
    const { code, stderr } = await run('good', ['start', 'api'], { APP_ENV: 'production' })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^  - DATABASE_URL .*/m)
    expect(stderr).toMatch(/^  - SECRET_KEY is missing\. Make one: node -p /m)
  })
})
