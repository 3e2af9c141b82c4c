// Which server this is, and whether it has the mark of an epoch.
//
// KEYS  mark
// ARGV  `look`, `set` it for a while, `renew` or `keep` the one that is there; how long a while is, in milliseconds
// ->    { run_id, replication id, role, policy of eviction, 1 or 0: has the mark }
//
// The run_id is another one after every start. The replication id changes when a server becomes a replica and when it becomes a primary
// again, which leaves process and connections as they were and may have replaced all its data.

import { defineScript } from '../../../redis/script.ts'

export const witnessScript = defineScript(`
local info = redis.call('INFO', 'server') .. redis.call('INFO', 'replication') .. redis.call('INFO', 'memory')
local function of(name) return string.match(info, name .. ':([^\\r\\n]*)') or '' end
local role = of('role')
if role == 'master' and ARGV[1] == 'keep' then redis.call('PERSIST', KEYS[1])
elseif role == 'master' and ARGV[1] == 'renew' then redis.call('PEXPIRE', KEYS[1], ARGV[2])
elseif role == 'master' and ARGV[1] == 'set' then redis.call('SET', KEYS[1], '', 'PX', ARGV[2]) end
return { of('run_id'), of('master_replid'), role, of('maxmemory_policy'), redis.call('EXISTS', KEYS[1]) }`)
