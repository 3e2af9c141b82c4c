import { expect, test } from 'vitest'
import { createMetrics } from './metrics.ts'

test('requests are counted and timed by method, route and status', async () => {
  const metrics = createMetrics()
  const items = metrics.route('GET', '/items/:id')
  for (const seconds of [0.0004, 0.001, 0.02, 60]) items.observe(200, seconds)
  items.observe(404, 0.003)
  const text = await metrics.text()
  expect(text).toContain('# TYPE http_requests_total counter')
  expect(text).toContain('http_requests_total{method="GET",route="/items/:id",status="200"} 4')
  expect(text).toContain('http_requests_total{method="GET",route="/items/:id",status="404"} 1')
  expect(text).toContain('# TYPE http_request_duration_seconds histogram')
  const bucket = (le: string) =>
    Number(new RegExp(`duration_seconds_bucket\\{method="GET",route="/items/:id",status="200",le="${le}"\\} (\\d+)`).exec(text)?.[1])
  expect([bucket('0.001'), bucket('0.01'), bucket('0.025'), bucket('10'), bucket('\\+Inf')]).toEqual([2, 2, 3, 3, 4])
  expect(text).toContain('http_request_duration_seconds_count{method="GET",route="/items/:id",status="200"} 4')
  expect(text).toMatch(/duration_seconds_sum\{method="GET",route="\/items\/:id",status="200"\} 60\.021/)
})

test('two looks show the same, not twice the number', async () => {
  const metrics = createMetrics()
  metrics.route('GET', '/x').observe(200, 0.001)
  await metrics.text()
  expect(await metrics.text()).toContain('http_requests_total{method="GET",route="/x",status="200"} 1')
})

test('a gauge is read when somebody looks', async () => {
  const metrics = createMetrics()
  let idle = 3
  metrics.gauge('plinth_db_pool', 'Connections by state.', 'state', () => ({ idle, busy: 1 }))
  expect(await metrics.text()).toContain('plinth_db_pool{state="idle"} 3')
  idle = 2
  expect(await metrics.text()).toContain('plinth_db_pool{state="idle"} 2')
  expect(await metrics.text()).toContain('plinth_db_pool{state="busy"} 1')
})

test('a counter counts by its label', async () => {
  const metrics = createMetrics()
  const count = metrics.counter('plinth_cache_total', 'Reads of the cache.', 'result')
  count('hit')
  count('hit', 2)
  count('miss')
  expect(await metrics.text()).toContain('plinth_cache_total{result="hit"} 3')
  expect(await metrics.text()).toContain('plinth_cache_total{result="miss"} 1')
})

test('a counter that somebody else keeps is read when somebody looks', async () => {
  const metrics = createMetrics()
  let reads = 3
  metrics.counted('plinth_db_reads_total', 'Reads by server.', 'server', () => ({ primary: reads }))
  expect(await metrics.text()).toContain('plinth_db_reads_total{server="primary"} 3')
  reads = 5
  expect(await metrics.text()).toContain('plinth_db_reads_total{server="primary"} 5')
  expect(await metrics.text()).toContain('# TYPE plinth_db_reads_total counter')
})

test('a histogram tells how many observations lie below each bound', async () => {
  const metrics = createMetrics()
  const waits = metrics.histogram('plinth_db_pool_wait_seconds', 'Seconds that callers waited for a connection.')
  expect(await metrics.text()).toContain('plinth_db_pool_wait_seconds_count 0')
  for (const seconds of [0.0004, 0.02, 60]) waits.observe(seconds)
  const text = await metrics.text()
  expect(text).toContain('# TYPE plinth_db_pool_wait_seconds histogram')
  for (const line of ['_bucket{le="0.001"} 1', '_bucket{le="0.025"} 2', '_bucket{le="10"} 2', '_bucket{le="+Inf"} 3', '_count 3'])
    expect(text).toContain(`plinth_db_pool_wait_seconds${line}`)
})

test('metrics of the process are there when asked for', async () => {
  expect(await createMetrics({ processMetrics: true }).text()).toContain('process_cpu_user_seconds_total')
  expect(await createMetrics().text()).not.toContain('process_cpu')
})

test('one observation costs less than a microsecond', () => {
  const timings = createMetrics().route('GET', '/x')
  const run = () => {
    const before = process.threadCpuUsage()
    for (let index = 0; index < 200_000; index += 1) timings.observe(200, 0.0021)
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 200_000
  }
  expect(Math.min(run(), run(), run())).toBeLessThan(1)
})
