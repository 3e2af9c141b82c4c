// Counters and histograms for Prometheus. Requests are counted with plain additions and handed over when somebody scrapes:
// prom-client's own `observe` hashes its labels each time (0.4 us), ours costs a search in eleven numbers.

import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client'

/** Upper bounds in seconds. A cached read takes 0.2 ms here, so the scale starts lower than prom-client's. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

const durationName = 'http_request_duration_seconds'

/** Requests of one method, route and status: how many, how long together, and how many below each bound. */
interface Series {
  readonly labels: { readonly method: string; readonly route: string; readonly status: string }
  readonly buckets: number[]
  count: number
  sum: number
}

/** Counts the requests of one route. */
export class RouteTimings {
  readonly #series = new Map<number, Series>()
  readonly #method: string
  readonly #route: string

  constructor(method: string, route: string) {
    this.#method = method
    this.#route = route
  }

  /** @param seconds  from the first byte of the request to the last of the answer */
  observe(status: number, seconds: number): void {
    const series = this.#series.get(status) ?? this.#start(status)
    series.count += 1
    series.sum += seconds
    let bucket = 0
    while (bucket < bounds.length && seconds > (bounds[bucket] ?? 0)) bucket += 1
    series.buckets[bucket] = (series.buckets[bucket] ?? 0) + 1
  }

  series(): Iterable<Series> {
    return this.#series.values()
  }

  #start(status: number): Series {
    const labels = { method: this.#method, route: this.#route, status: String(status) }
    const series = { labels, buckets: Array.from({ length: bounds.length + 1 }, () => 0), count: 0, sum: 0 }
    this.#series.set(status, series)
    return series
  }
}

export interface Metrics {
  readonly registry: Registry
  /** The timings of one route; the same object for the same method and pattern. */
  route(method: string, pattern: string): RouteTimings
  /**
   * Declares gauges that are read when somebody scrapes, each with its value or a value per label.
   *
   * @example  `metrics.gauge('plinth_db_pool', 'Connections by state.', 'state', () => ({ idle: 3, busy: 1 }))`
   */
  gauge(name: string, help: string, label: string, read: () => Readonly<Record<string, number>>): void
  /** A counter with one label, for what other rooms count. */
  counter(name: string, help: string, label: string): (value: string, by?: number) => void
  /** Everything in Prometheus' text format, version 0.0.4. */
  text(): Promise<string>
}

/** @param processMetrics  also CPU, memory, event loop lag and garbage collection of this process (a timer is kept for the lag) */
export function createMetrics({ processMetrics = false }: { readonly processMetrics?: boolean } = {}): Metrics {
  const registry = new Registry()
  const routes = new Map<string, RouteTimings>()
  if (processMetrics) collectDefaultMetrics({ register: registry })
  registerRequests(registry, routes)
  return {
    registry,
    route(method, pattern) {
      const key = `${method} ${pattern}`
      const timings = routes.get(key) ?? new RouteTimings(method, pattern)
      routes.set(key, timings)
      return timings
    },
    gauge(name, help, label, read) {
      const collect = function (this: Gauge): void {
        for (const [value, number] of Object.entries(read())) this.set({ [label]: value }, number)
      }
      registry.registerMetric(new Gauge({ name, help, labelNames: [label], registers: [], collect }))
    },
    counter(name, help, label) {
      const counter = new Counter({ name, help, labelNames: [label], registers: [registry] })
      return (value, by = 1) => counter.inc({ [label]: value }, by)
    },
    text: () => registry.metrics(),
  }
}

function registerRequests(registry: Registry, routes: ReadonlyMap<string, RouteTimings>): void {
  const allSeries = () => [...routes.values()].flatMap((timings) => [...timings.series()])
  const total = new Counter({
    name: 'http_requests_total',
    help: 'Requests answered.',
    labelNames: ['method', 'route', 'status'],
    registers: [],
  })
  const collected = total.get.bind(total)
  total.get = () => {
    total.reset()
    for (const { labels, count } of allSeries()) total.inc(labels, count)
    return collected()
  }
  registry.registerMetric(total)
  registry.registerMetric(new RequestDuration(allSeries))
}

type DurationLabel = 'method' | 'route' | 'status' | 'le'

/** A histogram whose numbers `RouteTimings` keeps. A Gauge by class, because only a Gauge is asked for its values through `get`. */
class RequestDuration extends Gauge<DurationLabel> {
  readonly #allSeries: () => Series[]

  constructor(allSeries: () => Series[]) {
    super({ name: durationName, help: 'Seconds from the request to the end of its answer.', registers: [] })
    this.#allSeries = allSeries
  }

  override async get() {
    const described = await super.get()
    return { ...described, type: 'histogram' as never, values: this.#allSeries().flatMap(durationValues) }
  }
}

function durationValues({ labels, buckets, count, sum }: Series) {
  let below = 0
  const cumulative = bounds.map((le, index) => {
    below += buckets[index] ?? 0
    return { metricName: `${durationName}_bucket`, labels: { ...labels, le }, value: below }
  })
  return [
    ...cumulative,
    { metricName: `${durationName}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
    { metricName: `${durationName}_sum`, labels, value: sum },
    { metricName: `${durationName}_count`, labels, value: count },
  ]
}
