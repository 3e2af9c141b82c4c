// INFO, read.

import type { RedisServerInfo, ScriptReply } from './redis.ts'

export type Info = ReadonlyMap<string, string>

/** `name:value` lines; headings and empty lines are left out. */
export function parseInfo(reply: ScriptReply): Info {
  const lines = String(reply).split('\r\n')
  return new Map(
    lines.flatMap((line): [string, string][] => {
      const colon = line.indexOf(':')
      return line.startsWith('#') || colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)]]
    }),
  )
}

/** Why a server that answers is not used; undefined when it is. */
export function unreadiness(info: Info): string | undefined {
  if (!info.has('run_id')) return 'does not say which process it is (INFO has no run_id)'
  if (info.get('loading') === '1') return 'is loading its data'
  const role = info.get('role')
  return role === undefined || role === 'master' ? undefined : `is a ${role === 'slave' ? 'replica' : role}, which takes no writes`
}

export function describeServer(server: string, info: Info, database: number): RedisServerInfo {
  const number = (name: string): number => Number(info.get(name) ?? 0)
  return {
    server,
    version: info.get('redis_version') ?? '',
    runId: info.get('run_id') ?? '',
    usedMemoryBytes: number('used_memory'),
    maxMemoryBytes: number('maxmemory'),
    maxMemoryPolicy: info.get('maxmemory_policy') ?? '',
    evictedKeys: number('evicted_keys'),
    keys: Number(/keys=(\d+)/.exec(info.get(`db${database}`) ?? '')?.[1] ?? 0),
  }
}
