// A small volume of its own: a tmpfs, which only root may mount.

import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { serverUser } from '../../support/server-user.ts'
import { removeFolder, temporaryFolder } from '../../support/temporary.ts'
import type { Ends } from './ends.ts'

/** A cluster without its log of writes takes about 25 MB. */
const size = '64m'
const filler = 'filler'

/** Why no volume can be had on this machine; undefined when it can. */
export function whyNoVolume(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root may mount a volume'
  const folder = temporaryFolder('volume-trial')
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { encoding: 'utf8' })
  if (status === 0) spawnSync('umount', [folder])
  removeFolder(folder)
  return status === 0 ? undefined : `mount says: ${stderr?.trim() ?? ''}`
}

/** @returns an empty folder that the server may use */
export function smallVolume(ends: Ends): string {
  const folder = temporaryFolder('volume')
  chmodSync(folder, 0o755)
  const mounted = join(folder, 'volume')
  mkdirSync(mounted)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', mounted])
  ends.push(() => {
    execFileSync('umount', ['-l', mounted])
    removeFolder(folder)
  })
  const data = join(mounted, 'data')
  mkdirSync(data)
  chmodSync(data, 0o700)
  const { uid, gid } = serverUser()
  if (uid !== undefined && gid !== undefined) chownSync(data, uid, gid)
  return data
}

/** Takes all the space that is left on the volume of `folder`, or gives it back. */
export function fill(folder: string, full = true): void {
  const file = join(folder, '..', filler)
  if (!full) return rmSync(file)
  const descriptor = openSync(file, 'w')
  const block = Buffer.alloc(64 * 1024)
  try {
    for (;;) writeSync(descriptor, block)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    closeSync(descriptor)
  }
}
