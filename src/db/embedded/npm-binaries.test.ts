import { chmodSync, cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { npmBinaries, npmPackageName } from './npm-binaries.ts'
import { run, type ServerUser } from './run.ts'

const isRoot = process.getuid?.() === 0
const user: ServerUser = isRoot ? { uid: 65534, gid: 65534 } : {}
const installed = dirname(dirname(createRequire(import.meta.url).resolve(npmPackageName)))

/** The package as npm unpacks it with scripts off: without links. `mode` is that of the folder around it. */
function freshPackage(mode: number): string {
  const parent = mkdtempSync(join(realpathSync(tmpdir()), 'plinth-npm-'))
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }))
  const directory = join(parent, 'package')
  const links: { target: string }[] = JSON.parse(readFileSync(join(installed, 'native', 'pg-symlinks.json'), 'utf8'))
  cpSync(installed, directory, { recursive: true, filter: (source) => !links.some(({ target }) => source === join(installed, target)) })
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ version: `0.0.0-test-${process.pid}` }))
  chmodSync(parent, mode)
  return directory
}

async function versionOf(binaries: string | undefined): Promise<string> {
  return (await run(join(binaries ?? '', 'postgres'), ['--version'], { user })).stdout
}

test('a package without its links gets them, and its programs run', async () => {
  const directory = freshPackage(0o755)
  const before = await versionOf(join(directory, 'native', 'bin'))
  const binaries = await npmBinaries(user, directory)
  expect([before, binaries]).toEqual(['', join(directory, 'native', 'bin')])
  expect(await versionOf(binaries)).toContain('postgres (PostgreSQL)')
})

test.runIf(isRoot)('programs in a closed folder are copied once to where every user may read them', async () => {
  const directory = freshPackage(0o700)
  const [binaries, second] = await Promise.all([npmBinaries(user, directory), npmBinaries(user, directory)])
  onTestFinished(() => rmSync(dirname(dirname(binaries ?? '')), { recursive: true, force: true }))
  expect(second).toBe(binaries)
  expect(binaries).not.toContain(directory)
  expect(await versionOf(binaries)).toContain('postgres (PostgreSQL)')
})
