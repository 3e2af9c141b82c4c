import { expect, test } from 'vitest'
import { createMetrics } from '../metrics.ts'
import { mergeMetrics } from './merge-metrics.ts'
import { noPeers, type Responder } from './peers.ts'

/** What one of several processes tells of itself. */
async function ownText(worker: number, requests: number): Promise<unknown> {
  let tell: Responder = () => ''
  const respond = (_question: string, responder: Responder): void => void (tell = responder)
  const metrics = createMetrics({ peers: { ...noPeers(), worker, respond }, processMetrics: true })
  for (let count = 0; count < requests; count += 1) metrics.route('GET', '/items').observe(200, 0.002)
  metrics.gauge('plinth_db_pool', 'Connections by state.', 'state', () => ({ idle: worker }))
  return tell(undefined)
}

test('every metric stands in one place, with the numbers of every process, labelled', async () => {
  const answers = [
    {
      worker: 0,
      answer:
        '# HELP plinth_worker_restarts_total Replaced.\n# TYPE plinth_worker_restarts_total counter\nplinth_worker_restarts_total 3\n',
    },
    { worker: 1, answer: await ownText(1, 2) },
    { worker: 2, answer: await ownText(2, 5) },
    { worker: 3 },
  ]
  const text = mergeMetrics(answers)
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
  expect(names).toHaveLength(new Set(names).size)
  expect(names).toContain('process_cpu_user_seconds_total')
  for (const line of [
    'plinth_worker_restarts_total 3',
    'http_requests_total{method="GET",route="/items",status="200",worker="1"} 2',
    'http_requests_total{method="GET",route="/items",status="200",worker="2"} 5',
    'plinth_db_pool{state="idle",worker="2"} 2',
    'plinth_worker_up{worker="1"} 1',
    'plinth_worker_up{worker="3"} 0',
  ])
    expect(text.split('\n')).toContain(line)
  expect(sampleProblems(text)).toEqual([])
})

/** Samples that do not follow the head of their metric, or come twice. */
function sampleProblems(text: string): string[] {
  const seen = new Set<string>()
  let current = ''
  return text.split('\n').filter((line) => {
    if (line.startsWith('# HELP ')) current = line.split(' ')[2] ?? ''
    if (line === '' || line.startsWith('#')) return false
    const [series = ''] = line.split(/ (?=[^ ]+$)/)
    const isBad = seen.has(series) || !series.startsWith(current)
    seen.add(series)
    return isBad
  })
}
