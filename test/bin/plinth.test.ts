import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const program = join(import.meta.dirname, '../../bin/plinth.js')
const manifest = { name: 'plinth', type: 'module', exports: { './db': { source: './src/db.ts', default: './dist/db.js' } } }

/** A package folder with the real bin/plinth.js and these files. */
function packageWith(files: Record<string, string>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'plinth-bin-')))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries({ 'package.json': JSON.stringify(manifest), ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  cpSync(program, join(folder, 'bin/plinth.js'))
  return folder
}

function run(folder: string, args: string[], nodeFlags: string[] = []): { output: string; status: number | null } {
  const { stdout, stderr, status } = spawnSync(process.execPath, [...nodeFlags, 'bin/plinth.js', ...args], {
    cwd: folder,
    encoding: 'utf8',
  })
  return { output: `${stdout}${stderr}`, status }
}

const printDoor = `import { where } from 'plinth/db'
export async function main(argv) { console.log(where, argv.join(' ')); process.exitCode = 3 }`

test('a checkout runs src/cli/main.ts, where plinth/db is src/db.ts even when dist exists', () => {
  const folder = packageWith({
    'src/cli/main.ts': printDoor.replace('argv)', 'argv: string[])'),
    'src/db.ts': `export const where: string = 'source'`,
    'dist/cli/main.js': `export function main() { throw new Error('dist') }`,
    'dist/db.js': `export const where = 'dist'`,
  })
  expect(run(folder, ['db', 'status'])).toEqual({ output: 'source db status\n', status: 3 })
})

test('an application in a checkout gets the same module under the name plinth as the command line', () => {
  const folder = packageWith({
    'src/cli/main.ts': `import { pathToFileURL } from 'node:url'
      import { where } from '../db.ts'
      export const main = async () => console.log((await import(pathToFileURL('app/app.ts').href)).seen === where)`,
    'src/db.ts': 'export const where: object = {}',
    'app/app.ts': `export { where as seen } from 'plinth/db'`,
  })
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync('..', join(folder, 'node_modules/plinth'))
  expect(run(folder, [])).toEqual({ output: 'true\n', status: 0 })
})

test('the published package runs dist/cli/main.js', () => {
  const folder = packageWith({ 'dist/cli/main.js': printDoor, 'dist/db.js': `export const where = 'dist'` })
  expect(run(folder, ['routes'])).toEqual({ output: 'dist routes\n', status: 3 })
})

test('a Node older than 24 is refused with one line that names both versions', () => {
  const oldNode = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.20.2'})`
  const { output, status } = run(packageWith({}), [], ['--import', oldNode])
  expect(output).toMatch(/^plinth needs Node\.js 24 or newer; this is 20\.20\.2 \(.*\)\.\n$/)
  expect(status).toBe(1)
})
