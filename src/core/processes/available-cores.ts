// How many processor cores this process may use. Node counts those it may run on; a container is often given a share of more
// (`--cpus`, a quota of its control group), which Node 24.21 does not notice in control groups of the first version (measured: 2 of 2
// with a quota of one).

import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'

/**
 * Cores, at least 1; a share of one counts as one, so that nothing of a quota is left over.
 *
 * @param root   where `proc` and `sys` lie; for tests
 * @param cores  those that the scheduler may use
 */
export function availableCores(root = '/', cores: number = availableParallelism()): number {
  const quotas = ownGroups(root).flatMap(({ folder, path }) => ancestors(path).map((group) => quotaIn(join(folder, group))))
  return Math.max(1, Math.ceil(Math.min(cores, ...quotas.filter((quota) => quota !== undefined))))
}

interface Group {
  /** Where the hierarchy is mounted. */
  readonly folder: string
  /** Of this process in it. A container without a view of its own sees a path of its host, which is not there: its own group is the root. */
  readonly path: string
}

/** Lines such as `0::/system.slice/api.service` (version 2) and `4:cpu,cpuacct:/docker/4f2a` (version 1). */
function ownGroups(root: string): Group[] {
  const mounts = join(root, 'sys/fs/cgroup')
  return linesOf(join(root, 'proc/self/cgroup')).flatMap((line) => {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    if (path === '') return []
    if (controllers === '') return [{ folder: mounts, path }]
    return controllers.split(',').includes('cpu') ? ['cpu', controllers].map((name) => ({ folder: join(mounts, name), path })) : []
  })
}

/** `/a/b`, `/a`, `/`: a quota holds for everything below it. */
function ancestors(path: string): string[] {
  return path === '/' ? ['/'] : [path, ...ancestors(dirname(path))]
}

/** Cores, as a fraction; undefined without a limit. */
function quotaIn(group: string): number | undefined {
  const [limit = ''] = linesOf(join(group, 'cpu.max'))
  const [quota, period] =
    limit === '' ? ['cpu.cfs_quota_us', 'cpu.cfs_period_us'].map((name) => linesOf(join(group, name))[0]) : limit.split(' ')
  const share = Number(quota) / Number(period)
  return share > 0 && Number.isFinite(share) ? share : undefined
}

function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
}
