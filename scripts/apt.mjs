// Debian packages for the tests: installed as root (or by sudo without a password), else downloaded and unpacked into a folder.
// No service is started by it.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const stepDeadlineMs = 240_000
const network = ['-o', 'Acquire::http::Timeout=20', '-o', 'Acquire::Retries=2']
const installFlags = ['-y', '--no-install-recommends', '-o', 'Dpkg::Options::=--force-confold', '-o', 'DPkg::Lock::Timeout=120']
const startPolicy = '/usr/sbin/policy-rc.d'

/**
 * @param {string[]} packages
 * @param {string} folder  where to unpack when we may not install
 * @returns {string | undefined} what went wrong
 */
export function installDebianPackages(packages, folder) {
  if (!succeeds('apt-get', ['--version'])) return 'this system has no apt-get'
  try {
    if (process.getuid() === 0) installAsRoot(packages)
    else if (succeeds('sudo', ['-n', 'true'])) installBySudo(packages)
    else unpack(packages, folder)
    return undefined
  } catch (error) {
    return error.message
  }
}

/** Exit code 101 of this file tells the packages' scripts not to start their servers. */
function installAsRoot(packages) {
  const isOurs = !existsSync(startPolicy)
  if (isOurs) writeFileSync(startPolicy, '#!/bin/sh\nexit 101\n')
  if (isOurs) chmodSync(startPolicy, 0o755)
  try {
    step('apt-get', [...network, 'update'])
    step('apt-get', [...network, 'install', ...installFlags, ...packages])
  } finally {
    if (isOurs) rmSync(startPolicy)
  }
}

/** The same script as root: it finds itself to be root there. */
function installBySudo(packages) {
  const program = `import { installDebianPackages } from ${JSON.stringify(import.meta.url)}
    const problem = installDebianPackages(${JSON.stringify(packages)}, '')
    if (problem) throw new Error(problem)`
  step('sudo', ['-n', process.execPath, '--input-type=module', '--eval', program])
}

/** With package lists and archives of our own, apt needs no rights; it still reads which packages the system has. */
function unpack(packages, folder) {
  const state = join(folder, 'apt/state')
  const archives = join(folder, 'apt/archives')
  for (const path of [join(state, 'lists/partial'), join(folder, 'apt/cache/archives/partial'), archives])
    mkdirSync(path, { recursive: true })
  const own = [
    '-o',
    `Dir::State=${state}`,
    '-o',
    'Dir::State::status=/var/lib/dpkg/status',
    '-o',
    `Dir::Cache=${join(folder, 'apt/cache')}`,
    ...network,
  ]
  step('apt-get', [...own, 'update'])
  const plan = step('apt-get', [...own, 'install', '--simulate', ...installFlags, ...packages])
  const names = [...plan.matchAll(/^Inst (\S+)/gm)].map((match) => match[1])
  step('apt-get', [...own, 'download', ...names], { cwd: archives })
  for (const file of readdirSync(archives)) step('dpkg', ['-x', join(archives, file), folder])
  rmSync(join(folder, 'apt'), { recursive: true })
}

function succeeds(command, args) {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 10_000 }).status === 0
}

function step(command, args, options = {}) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const { status, stdout, stderr, error } = spawnSync(command, args, { env, encoding: 'utf8', timeout: stepDeadlineMs, ...options })
  if (status !== 0) throw new Error(`${command} ${args.at(-1)} failed: ${error?.message ?? stderr.trim().split('\n').at(-1)}`)
  return stdout
}
