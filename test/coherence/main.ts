// `npm run coherence`: three processes, nine faults, and a checker that says whether every read was right.

import { parseArgs } from 'node:util'
import { installedPostgres } from '../support/binaries.ts'
import { sweepServers } from '../support/postgres-server.ts'
import { startServers } from './bed.ts'
import { type FaultName } from './faults.ts'
import { type ModeName } from './modes.ts'
import { findingsOf, lines } from './report.ts'
import { runScenario } from './scenario.ts'

const { values: given } = parseArgs({
  options: {
    fault: { type: 'string' },
    modes: { type: 'string' },
    operations: { type: 'string' },
    slow: { type: 'string' },
    seed: { type: 'string' },
    until: { type: 'boolean' },
  },
})
await sweepServers()
const binaries = installedPostgres() ?? ''
const servers = await startServers(binaries, given.fault === 'failover' ? 2 : 0)
let value = 0
try {
  const outcome = await runScenario(
    servers,
    {
      fault: (given.fault ?? 'none') as FaultName,
      modes: (given.modes ?? 'plain').split(',') as ModeName[],
      operations: Number(given.operations ?? 5_000),
      strikes: 1,
      slowReadMs: Number(given.slow ?? 0),
      untilViolated: given.until,
      seed: Number(given.seed ?? 1),
    },
    { next: () => (value += 1) },
  )
  for (const finding of findingsOf(outcome)) console.log(lines(finding))
} finally {
  await servers.close()
}
