// docs/operate/failure-modes.md: what breaks and what a client then gets, from the table that the faults are tried by.

import { type FailureMode, type Outcomes } from '../../test/chaos/modes/failure-mode.ts'
import { diskModes, processModes, replicaModes } from '../../test/chaos/modes/others.ts'
import { postgresModes } from '../../test/chaos/modes/postgres.ts'
import { redisModes } from '../../test/chaos/modes/redis.ts'
import { table } from './markdown.ts'

const introduction = `What a client gets while something is broken, what the log says, and how it gets better. Each row is a test
(\`test/chaos/modes\`): the fault is injected into real servers, every kind of endpoint is asked, and when it is over the same process has
to be as before, without a connection or a request left behind. \`npm run chaos\` tries them all; this page is made from the same table.

- **503** always comes with \`Retry-After\`; nothing was saved, unless the [error's hint](../reference/errors.md) says that it may have been. Repeat a change with an
  \`Idempotency-Key\`, and it is done once.
- **as always**: status and body are those of a good day. Times are on top of the usual ones.
- \`/health/live\` is 200 in every row: a restart mends none of it. \`/health/ready\` is 200 where its column does not say otherwise.
- A row in the [fenced cache](../caching.md) is read without the database as long as the process has permission, half a second after it last heard it.
- The process needs no restart, whatever has happened.`

const headers = [
  'fault',
  'reads',
  'reads, verified cache',
  'reads of a row, fenced cache',
  'writes',
  'writes of a fenced table',
  '`/health/ready`',
  'log',
  'recovery',
]

interface Section {
  readonly title: string
  readonly text: string
  readonly modes: readonly FailureMode[]
}

const sections: readonly Section[] = [
  {
    title: 'PostgreSQL',
    text: 'With a [replica](replicas.md) that is well, reads that it may answer are answered while the primary is away.',
    modes: postgresModes,
  },
  { title: 'Replicas', text: 'Reads go to other replicas and to the primary.', modes: replicaModes },
  {
    title: 'Redis',
    text: 'No request fails because of it. None waits for it longer than `REDIS_BUDGET` (50 ms) a command, and after three failures it is not asked for a while.',
    modes: redisModes,
  },
  { title: 'Disks', text: 'What was acknowledged is there.', modes: diskModes },
  { title: 'Clients and load', text: 'See [limits and time-outs](limits-and-timeouts.md).', modes: processModes },
]

export function failureModesPage(): string {
  const parts = sections.map(({ title, text, modes }) => [`## ${title}`, text, table(headers, modes.map(rowOf))].join('\n\n'))
  return ['# Failure modes', introduction, ...parts].join('\n\n')
}

function rowOf({ fault, first, later = first, logText = '', recovery }: FailureMode): string[] {
  const cell = (kind: keyof Outcomes): string =>
    first[kind].text === later[kind].text || isSaid(first[kind].text, later[kind].text)
      ? first[kind].text
      : `${first[kind].text}; then ${later[kind].text}`
  return [
    fault,
    cell('read'),
    cell('verifiedRead'),
    cell('fencedRead'),
    cell('write'),
    cell('verifiedWrite') === cell('write') ? cell('fencedWrite') : `${cell('fencedWrite')} (verified: ${cell('verifiedWrite')})`,
    first.ready.text === 'as always' ? '200' : first.ready.text,
    logText,
    recovery,
  ]
}

/** `from the cache for ½ s, then 503 at once` says what comes later, and so does `as always; the first ones …`. */
function isSaid(first: string, later: string): boolean {
  return first.includes(', then ') || first.startsWith(later)
}
