// Brings node_modules to what package-lock.json says, and finds the Node that runs Plinth. Runs on Node 20, needs nothing installed.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
const oldestMajor = 24
const lockFile = join(root, '.plinth/install.lock')
const lockWaitMs = 10 * 60_000

/** Ends the process with a message when the packages cannot be installed. */
export function installPackages() {
  if (!isOutdated() && nodeProgram() !== undefined) return
  oneAtATime(() => {
    if (isOutdated() || nodeProgram() === undefined) npmInstall()
  })
  if (nodeProgram() === undefined)
    fail(
      `Plinth needs Node.js ${oldestMajor} and there is no package of it for ${process.platform}-${process.arch}: install it from nodejs.org.`,
    )
}

/** Path of a Node that is new enough: this one, or the one in node_modules. Undefined when there is none. */
export function nodeProgram() {
  if (majorOf(process.versions.node) >= oldestMajor) return process.execPath
  const packaged = join(root, 'node_modules/.bin', process.platform === 'win32' ? 'node.cmd' : 'node')
  const { stdout } = spawnSync(packaged, ['--version'], { encoding: 'utf8', timeout: 30_000 })
  return majorOf((stdout ?? '').slice(1)) >= oldestMajor ? packaged : undefined
}

function majorOf(version) {
  return Number.parseInt(version, 10)
}

/** npm keeps a copy of the lock file beside what it has installed. Optional packages may be missing there: those of other platforms are. */
function isOutdated() {
  const installed = packagesIn(join(root, 'node_modules/.package-lock.json'))
  const wanted = Object.entries(packagesIn(join(root, 'package-lock.json')))
  return wanted.some(([path, entry]) => {
    const found = installed[path]
    if (found === undefined) return path !== '' && !entry.optional && !entry.devOptional
    return found.version !== entry.version || found.integrity !== entry.integrity
  })
}

function packagesIn(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : {}
}

/**
 * What the lock file says and nothing else, without writing to it. Not `npm ci`: that refuses a lock file made where the registry did
 * not have an optional package of some other platform (npm 11.19). Nothing we depend on needs an install script, so none is run.
 */
function npmInstall() {
  console.log('Installing the packages of package-lock.json ...')
  const [program, ...first] = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm']
  const flags = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--engine-strict=false', '--loglevel=error']
  const { status, error } = spawnSync(program, [...first, ...flags], { cwd: root, stdio: 'inherit' })
  if (status !== 0) fail(`npm install failed in ${root}${error ? `: ${error.message}` : '.'}`)
}

/** Two commands started together in a new clone must not both empty node_modules. */
function oneAtATime(work) {
  mkdirSync(dirname(lockFile), { recursive: true })
  for (const deadline = Date.now() + lockWaitMs; !takeLock(); pause(500)) {
    if (Date.now() > deadline)
      fail(`Another install has been running for ${lockWaitMs / 60_000} minutes. If it is not, remove ${lockFile}.`)
  }
  try {
    work()
  } finally {
    rmSync(lockFile, { force: true })
  }
}

function takeLock() {
  try {
    writeFileSync(lockFile, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    if (!isRunning(lockHolder())) rmSync(lockFile, { force: true })
    return false
  }
}

/** NaN while the other process has made the file and not yet written into it. */
function lockHolder() {
  try {
    return Number.parseInt(readFileSync(lockFile, 'utf8'), 10)
  } catch {
    return Number.NaN // released since we looked
  }
}

function isRunning(pid) {
  if (Number.isNaN(pid)) return true
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function pause(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
