import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { availableCores } from './available-cores.ts'

/** The files of a Linux that matter here. */
function machine(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'plinth-cores-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

test.each<{ what: string; files: Record<string, string>; cores: number }>([
  { what: 'nothing limited', files: {}, cores: 8 },
  { what: 'version 2, no limit', files: { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': 'max 100000\n' }, cores: 8 },
  { what: 'version 2, two cores', files: { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': '200000 100000\n' }, cores: 2 },
  { what: 'a share of a core', files: { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': '50000 100000\n' }, cores: 1 },
  { what: 'two cores and a half', files: { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': '250000 100000\n' }, cores: 3 },
  {
    what: 'a limit on a group above',
    files: {
      'proc/self/cgroup': '0::/system.slice/api.service\n',
      'sys/fs/cgroup/system.slice/api.service/cpu.max': 'max 100000\n',
      'sys/fs/cgroup/system.slice/cpu.max': '300000 100000\n',
    },
    cores: 3,
  },
  {
    what: 'version 1',
    files: {
      'proc/self/cgroup': '5:memory:/\n4:cpu,cpuacct:/api\n',
      'sys/fs/cgroup/cpu,cpuacct/api/cpu.cfs_quota_us': '400000\n',
      'sys/fs/cgroup/cpu,cpuacct/api/cpu.cfs_period_us': '100000\n',
      'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '-1\n',
      'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
    },
    cores: 4,
  },
  {
    what: 'a container of version 1 that sees the path of its host',
    files: {
      'proc/self/cgroup': '4:cpu,cpuacct:/docker/4f2a\n',
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '100000\n',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    },
    cores: 1,
  },
  {
    what: 'an empty and a nonsensical file',
    files: { 'proc/self/cgroup': 'x\n0::/a\n', 'sys/fs/cgroup/a/cpu.max': '', 'sys/fs/cgroup/cpu.max': 'much of it\n' },
    cores: 8,
  },
])('$what: $cores', ({ files, cores }) => {
  expect(availableCores(machine(files), 8)).toBe(cores)
})

test('a program that may run on one core only is told so', () => {
  const script = `import { availableCores } from ${JSON.stringify(join(import.meta.dirname, 'available-cores.ts'))}; console.log(availableCores())`
  const { stdout, error } = spawnSync('taskset', ['-c', '0', process.execPath, '--input-type=module', '-e', script], { encoding: 'utf8' })
  if (error === undefined) expect(stdout).toBe('1\n')
  expect(availableCores()).toBeGreaterThanOrEqual(1)
})
