// What a run was made with.

import type { Servers } from './bed.ts'
import { query } from './query.ts'

export async function versionsOf({ databaseUrl, redis }: Servers): Promise<(readonly [string, string])[]> {
  const [row] = await query<{ server_version: string }>(databaseUrl, 'show server_version')
  return [
    ['Node', process.versions.node],
    ['PostgreSQL', row?.server_version.split(' ')[0] ?? 'unknown'],
    ['Redis', /version=([\d.]+)/.exec(redis.log())?.[1] ?? 'unknown'],
  ]
}
