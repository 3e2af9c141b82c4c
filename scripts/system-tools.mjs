// The programs that tests start: PostgreSQL, Redis, nginx, Chromium. What is absent comes from Debian's packages; what cannot be had is said
// and left to the tests, most of which the embedded PostgreSQL of node_modules is enough for.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { installDebianPackages } from './apt.mjs'
import { root } from './install.mjs'

const oldestPostgres = 15
/** Packages that could not be installed are unpacked here. */
const unpacked = join(root, '.plinth/tools')

const tools = [
  { title: `PostgreSQL ${oldestPostgres} or newer`, debianPackage: 'postgresql', isIn: hasPostgres },
  { title: 'Redis', debianPackage: 'redis-server', isIn: (folder) => existsSync(join(folder, 'redis-server')) },
  { title: 'nginx', debianPackage: 'nginx', isIn: (folder) => existsSync(join(folder, 'nginx')) },
  { title: 'Chromium', debianPackage: 'chromium', isIn: (folder) => existsSync(join(folder, 'chromium')) },
]

const sqlmap = { title: 'sqlmap', debianPackage: 'sqlmap', isIn: (folder) => existsSync(join(folder, 'sqlmap')) }

const faketime = { title: 'libfaketime', debianPackage: 'faketime', isIn: (folder) => existsSync(join(folder, 'faketime')) }

/** What the faults need besides: a clock that can be set. */
export const chaosTools = [...tools, faketime]

/** What the long form of the guarantees starts besides. */
export const guaranteeTools = [...tools, sqlmap]

/** Installs what is missing and returns the environment in which all of it is on PATH. */
export function prepareTools(wanted = tools) {
  const missing = missingTools(wanted)
  if (missing.length === 0) return toolEnvironment()
  console.log(`Installing for the tests: ${titles(missing)} ...`)
  const problem = installDebianPackages(
    missing.map((tool) => tool.debianPackage),
    unpacked,
  )
  const left = missingTools(wanted)
  if (left.length > 0) console.warn(`Not on this machine: ${titles(left)} (${problem ?? 'installed, but not found'}). Going on without.`)
  return toolEnvironment()
}

function missingTools(wanted) {
  const folders = toolEnvironment().PATH.split(delimiter)
  return wanted.filter((tool) => !folders.some(tool.isIn))
}

function titles(list) {
  return list.map((tool) => tool.title).join(', ')
}

function hasPostgres(folder) {
  if (!existsSync(join(folder, 'initdb')) || !existsSync(join(folder, 'postgres'))) return false
  const { stdout } = spawnSync(join(folder, 'postgres'), ['--version'], { env: libraryEnvironment(), encoding: 'utf8', timeout: 10_000 })
  return Number(/\d+/.exec(stdout ?? '')?.[0] ?? 0) >= oldestPostgres
}

/** Debian keeps server programs where PATH does not look. */
function toolEnvironment() {
  const places = ['/usr', join(unpacked, 'usr')].flatMap((prefix) => [
    join(prefix, 'bin'),
    join(prefix, 'sbin'),
    ...postgresFolders(prefix),
  ])
  return { ...libraryEnvironment(), PATH: [process.env.PATH ?? '', ...places].join(delimiter) }
}

function postgresFolders(prefix) {
  return versionsIn(join(prefix, 'lib/postgresql')).map((version) => join(prefix, 'lib/postgresql', version, 'bin'))
}

function versionsIn(folder) {
  return existsSync(folder) ? readdirSync(folder).toSorted((a, b) => Number(b) - Number(a)) : []
}

/** Unpacked programs look for their libraries in /usr/lib. */
function libraryEnvironment() {
  const folders = [join(unpacked, 'usr/lib'), join(unpacked, 'lib')].filter(existsSync).flatMap(multiarchFolders)
  if (folders.length === 0) return { ...process.env }
  const path = [process.env.LD_LIBRARY_PATH, ...folders].filter(Boolean).join(delimiter)
  return { ...process.env, LD_LIBRARY_PATH: path }
}

function multiarchFolders(parent) {
  return readdirSync(parent)
    .filter((name) => name.endsWith('-linux-gnu'))
    .map((name) => join(parent, name))
}
