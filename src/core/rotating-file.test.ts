import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { RotatingFile } from './rotating-file.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'plinth-log-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(directory, { recursive: true, force: true })
})

function files(): string[] {
  return readdirSync(directory).toSorted((a, b) => number(b) - number(a))
}

function number(name: string): number {
  return Number(/\.(\d+)\.log$/.exec(name)?.[1] ?? 0)
}

function everyLine(): string[] {
  return files().flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n').slice(0, -1))
}

test('no line is lost and none is cut while files rotate', () => {
  const file = new RotatingFile({ directory, name: 'api', fileBytes: 2_000, files: 1_000 })
  const lines = Array.from({ length: 5_000 }, (_, index) => `{"line":${index},"text":"${'é'.repeat(index % 40)}"}`)
  for (const line of lines) file.write(`${line}\n`)
  file.close()
  expect(everyLine()).toEqual(lines)
  expect(files().length).toBeGreaterThan(50)
  for (const name of files()) expect(statSync(join(directory, name)).size).toBeLessThanOrEqual(2_000)
})

test('only so many files are kept, the newest lines in the one without a number', () => {
  const file = new RotatingFile({ directory, name: 'api', fileBytes: 100, files: 3 })
  for (let line = 0; line < 200; line += 1) file.write(`line ${line}\n`)
  file.close()
  expect(files()).toEqual(['api.2.log', 'api.1.log', 'api.log'])
  expect(readFileSync(join(directory, 'api.log'), 'utf8')).toContain('line 199')
  expect(everyLine().slice(-23)).toEqual(Array.from({ length: 23 }, (_, index) => `line ${index + 177}`))
})

test('one file alone begins anew when it is full', () => {
  const file = new RotatingFile({ directory, name: 'api', fileBytes: 20, files: 1 })
  for (const line of ['one', 'two', 'three', 'four', 'five']) file.write(`${line}\n`)
  file.close()
  expect(files()).toEqual(['api.log'])
  expect(everyLine()).toEqual(['five'])
})

test('a restart goes on in the same file', () => {
  for (const line of ['one', 'two']) {
    const file = new RotatingFile({ directory, name: 'api', fileBytes: 1_000, files: 2 })
    file.write(`${line}\n`)
    file.close()
  }
  expect(everyLine()).toEqual(['one', 'two'])
})

test('when one of two processes rotates, the other follows and does not rotate again', () => {
  const options = { directory, name: 'api', fileBytes: 20, files: 100 }
  const [one, other] = [new RotatingFile(options), new RotatingFile(options)]
  other.write('fifteen bytes.\n')
  one.write('short\n')
  other.write('after\n')
  expect(files()).toEqual(['api.1.log', 'api.log'])
  expect(readFileSync(join(directory, 'api.log'), 'utf8')).toBe('short\nafter\n')
})

test('who writes seldom finds the current file after others have rotated its own until it was deleted', () => {
  const options = { directory, name: 'api', fileBytes: 40, files: 3 }
  const [seldom, often] = [new RotatingFile(options), new RotatingFile(options)]
  seldom.write('first\n')
  for (let line = 0; line < 30; line += 1) often.write(`a line of the other, ${line}\n`)
  expect(everyLine()).not.toContain('first')
  seldom.write('last\n')
  expect(everyLine()).toContain('last')
  expect(files()).toEqual(['api.2.log', 'api.1.log', 'api.log'])
})

test('two processes that share a file lose no line', () => {
  const options = { directory, name: 'api', fileBytes: 500, files: 100 }
  const [one, other] = [new RotatingFile(options), new RotatingFile(options)]
  for (let line = 0; line < 300; line += 1) {
    one.write(`one ${line}\n`)
    other.write(`other ${line}\n`)
  }
  expect(everyLine().toSorted()).toEqual(
    Array.from({ length: 300 }, (_, line) => [`one ${line}`, `other ${line}`])
      .flat()
      .toSorted(),
  )
})

test('processes that rotate the same file at the same time lose no line', async () => {
  const module = join(import.meta.dirname, 'rotating-file.ts')
  const script = `
    const { RotatingFile } = await import(${JSON.stringify(module)})
    const [directory, name] = process.argv.slice(1)
    const file = new RotatingFile({ directory, name: 'api', fileBytes: 2_000, files: 1_000 })
    console.log('ready')
    process.stdin.once('data', () => {
      for (let line = 0; line < 3_000; line += 1) file.write(\`\${name} \${line} \${'x'.repeat(line % 100)}\\n\`)
      process.exit()
    })`
  const names = ['one', 'two', 'three']
  const children = names.map((name) => spawn(process.execPath, ['--input-type=module', '-e', script, directory, name]))
  await Promise.all(children.map((child) => once(child.stdout, 'data')))
  const ended = children.map((child) => once(child, 'exit'))
  for (const child of children) child.stdin.write('go')
  expect(await Promise.all(ended)).toEqual(names.map(() => [0, null]))
  const wanted = names.flatMap((name) => Array.from({ length: 3_000 }, (_, line) => `${name} ${line} ${'x'.repeat(line % 100)}`))
  expect(everyLine().toSorted()).toEqual(wanted.toSorted())
  expect(files().length).toBeGreaterThan(5)
})

test('the claim of a process that was killed while it rotated is given up after ten seconds', () => {
  const claim = join(directory, '.api.rotating')
  const file = new RotatingFile({ directory, name: 'api', fileBytes: 10, files: 9 })
  file.write('before it\n')
  writeFileSync(claim, '')
  file.write('meanwhile\n')
  expect(readdirSync(directory).toSorted()).toEqual(['.api.rotating', 'api.log'])
  const longAgo = new Date(Date.now() - 11_000)
  utimesSync(claim, longAgo, longAgo)
  file.write('finds it old\n')
  file.write('rotates\n')
  expect(files()).toEqual(['api.1.log', 'api.log'])
  expect(everyLine()).toEqual(['before it', 'meanwhile', 'finds it old', 'rotates'])
})

test('a folder that cannot be written does not throw, is reported once, and loses nothing when it can be again', () => {
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const place = join(directory, 'logs')
  writeFileSync(place, 'a file where the folder should be')
  const file = new RotatingFile({ directory: place, name: 'api', fileBytes: 1_000, files: 2 })
  file.write('one\n')
  file.write('two\n')
  expect(stderr).toHaveBeenCalledTimes(1)
  rmSync(place)
  file.write('three\n')
  expect(readFileSync(join(place, 'api.log'), 'utf8')).toBe('one\ntwo\nthree\n')
})

test('what does not fit into memory meanwhile is counted', () => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const place = join(directory, 'logs')
  writeFileSync(place, '')
  const file = new RotatingFile({ directory: place, name: 'api', fileBytes: 10_000_000, files: 2 })
  for (let line = 0; line < 30; line += 1) file.write(`${String(line).padStart(65_535, '.')}\n`)
  rmSync(place)
  file.write('after\n')
  const lines = readFileSync(join(place, 'api.log'), 'utf8').trimEnd().split('\n')
  expect(lines).toHaveLength(17)
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ level: 'warn', lost: 15 })
})

// Mounting needs root; a laptop without it skips the one test that fills a disk.
test.skipIf(process.getuid?.() !== 0 || process.platform !== 'linux')(
  'a full disk does not throw, and when there is space again every line is there, whole',
  ({ skip }) => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const disk = join(directory, 'disk')
    mkdirSync(disk)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', disk], { stdio: 'ignore' })
    } catch {
      skip('This machine does not let root mount a file system.')
    }
    try {
      writeFileSync(join(disk, 'ballast'), Buffer.alloc(90_000))
      const file = new RotatingFile({ directory: disk, name: 'api', fileBytes: 1_000_000, files: 2 })
      const lines = Array.from({ length: 60 }, (_, index) => `{"line":${index},"text":"${'x'.repeat(1_000)}"}`)
      for (const line of lines) file.write(`${line}\n`)
      expect(readFileSync(join(disk, 'api.log')).length).toBeLessThan(45_000)
      rmSync(join(disk, 'ballast'))
      file.write('{"last":true}\n')
      file.close()
      expect(readFileSync(join(disk, 'api.log'), 'utf8').trimEnd().split('\n')).toEqual([...lines, '{"last":true}'])
    } finally {
      execFileSync('umount', [disk])
    }
  },
)

test('a file that was moved away by hand is followed at the next rotation', () => {
  const file = new RotatingFile({ directory, name: 'api', fileBytes: 35, files: 5 })
  file.write('before it was moved\n')
  renameSync(join(directory, 'api.log'), join(directory, 'moved.log'))
  file.write('after it was moved\n')
  file.write('and rotated\n')
  file.close()
  expect(readFileSync(join(directory, 'api.log'), 'utf8')).toBe('after it was moved\nand rotated\n')
})
