import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { plinth, repository, type Finished } from '../../test/support/cli.ts'

const empty = mkdtempSync(join(tmpdir(), 'plinth-no-app-'))
afterAll(() => rmSync(empty, { recursive: true }))

function call(...args: string[]): Promise<Finished> {
  return plinth(args, { cwd: empty })
}

test('--version prints the version of the package', async () => {
  const { version } = (await import('../../package.json', { with: { type: 'json' } })).default
  expect(await call('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
})

test('--help shows every command on standard output', async () => {
  const { code, stdout, stderr } = await call('--help')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  for (const name of ['dev', 'start', 'db', 'generate', 'routes', 'openapi', 'shell'])
    expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'))
})

describe('a wrong call ends with 2, one sentence and no help text', () => {
  test.each([
    ['an unknown command names the nearest', ['strat'], `Unknown command 'strat'. Perhaps you meant start.`],
    ['so does one of a group', ['db', 'upgrad'], `Unknown command 'upgrad'. Perhaps you meant upgrade.`],
    ['and an option', ['routes', '--jsn'], `Unknown option '--jsn'. Perhaps you meant --json.`],
    [
      'a number must be one',
      ['db', 'upgrade', '--steps', 'two'],
      `Option '--steps <count>' argument 'two' is invalid. It is a whole number above 0.`,
    ],
  ])('%s', async (_name, args, sentence) => {
    expect(await call(...args)).toEqual({ code: 2, stdout: '', stderr: `${sentence}\nAdd --help to see what there is.\n` })
  })

  test('a folder without an application is told what is missing', async () => {
    const { code, stdout, stderr } = await call('routes')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toBe('There is no application here: api/app.ts is missing in this folder and in those above it.\n')
  })
})

test('a reader that closes the pipe early is no failure', () => {
  const script = `"${process.execPath}" "${join(repository, 'bin/plinth.js')}" openapi | head -c 1; exit "\${PIPESTATUS[0]}"`
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { cwd: join(repository, 'examples/items'), encoding: 'utf8' })
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '{', stderr: '' })
})
