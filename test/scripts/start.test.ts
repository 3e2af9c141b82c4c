import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { repositoryWith } from './repository.ts'

const examples = { 'examples/items/package.json': '{}', 'examples/atlas/package.json': '{}', 'examples/notes.md': '' }

test('without a name the items example is started in its folder, prepared; options go to the command', () => {
  const cli = 'console.log(process.cwd().split("/").at(-1), process.argv.slice(2).join(" "))'
  const folder = repositoryWith({ ...examples, 'bin/plinth.js': cli })
  const start = (...args: string[]) => spawnSync(process.execPath, ['scripts/start.mjs', ...args], { cwd: folder, encoding: 'utf8' }).stdout
  expect(start()).toBe('items start api --prepare\n')
  expect(start('--port=1')).toBe('items start api --prepare --port=1\n')
  expect(start('atlas', '--port=1')).toBe('atlas start api --prepare --port=1\n')
})

test.each(['nope', '..', 'notes.md'])(
  'an unknown example (%s) is answered with the list and exit code 2, and nothing is installed',
  (name) => {
    const folder = repositoryWith({ ...examples, 'package-lock.json': 'not read' })
    const { stderr, status } = spawnSync(process.execPath, ['scripts/start.mjs', name], { cwd: folder, encoding: 'utf8' })
    expect(stderr).toBe(`There is no example "${name}". The examples are:\n  npm start -- atlas\n  npm start -- items\n`)
    expect(status).toBe(2)
  },
)

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s reaches the server, and its exit code comes back', async (signal) => {
  const cli = `setTimeout(() => {}, 20_000)\nprocess.on('${signal}', () => process.exit(7))\nconsole.log('up')`
  const child = spawn(process.execPath, ['scripts/start.mjs'], {
    cwd: repositoryWith({ ...examples, 'bin/plinth.js': cli }),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  child.kill(signal)
  expect(await once(child, 'exit')).toEqual([7, null])
})

test('when npm is killed the server is asked to end', async () => {
  const cli = `setTimeout(() => {}, 20_000)\nprocess.on('SIGTERM', () => { console.log('asked'); process.exit() })\nconsole.log('up')`
  const folder = repositoryWith({ ...examples, 'bin/plinth.js': cli })
  const npm = `const { spawn } = require('node:child_process')
    spawn(process.execPath, ['scripts/start.mjs'], { stdio: 'inherit', env: { ...process.env, npm_lifecycle_event: 'start' } })`
  const parent = spawn(process.execPath, ['-e', npm], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  await once(parent.stdout, 'data')
  parent.kill('SIGKILL')
  expect(String((await once(parent.stdout, 'data'))[0])).toBe('asked\n')
})

test('a server that a signal ended gives the exit code that a shell would', () => {
  const folder = repositoryWith({ ...examples, 'bin/plinth.js': `process.kill(process.pid, 'SIGKILL')` })
  expect(spawnSync(process.execPath, ['scripts/start.mjs'], { cwd: folder }).status).toBe(137)
})
