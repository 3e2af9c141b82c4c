// Counters and histograms for Prometheus. Requests are counted with plain additions and handed over when somebody scrapes:
// prom-client's own `observe` hashes its labels each time (0.4 us), ours costs a search in eleven numbers.

import { mergeMetrics } from './processes/merge-metrics.ts'
import { noPeers, type Peers } from './processes/peers.ts'

/** Upper bounds in seconds. A cached read takes 0.2 ms here, so the scale starts lower than prom-client's. */
export const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Observations in seconds: how many, how long together, and how many below each bound. */
export class Histogram {
  readonly buckets: number[] = Array.from({ length: bounds.length + 1 }, () => 0)
  count = 0
  sum = 0

  observe(seconds: number): void {
    this.count += 1
    this.sum += seconds
    let bucket = 0
    while (bucket < bounds.length && seconds > (bounds[bucket] ?? 0)) bucket += 1
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1
  }
}

/** Observations of a name by its labels, as Prometheus is told them. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>
  readonly histogram: Histogram
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
    series.histogram.observe(seconds)
  }

  series(): Iterable<Series> {
    return this.#series.values()
  }

  #start(status: number): Series {
    const labels = { method: this.#method, route: this.#route, status: String(status) }
    const series = { labels, histogram: new Histogram() }
    this.#series.set(status, series)
    return series
  }
}

export interface Metrics {
  /** The timings of one route; the same object for the same method and pattern. */
  route(method: string, pattern: string): RouteTimings
  /**
   * Declares gauges that are read when somebody scrapes, each with its value or a value per label.
   *
   * @example  `metrics.gauge('plinth_db_pool', 'Connections by state.', 'state', () => ({ idle: 3, busy: 1 }))`
   */
  gauge(name: string, help: string, label: string, read: () => Readonly<Record<string, number>>): void
  /** A counter that somebody else keeps: read as a gauge is, and only growing. */
  counted(name: string, help: string, label: string, read: () => Readonly<Record<string, number>>): void
  /** A counter with one label, for what other rooms count. */
  counter(name: string, help: string, label: string): (value: string, by?: number) => void
  /** A histogram of seconds; the one that is returned is shown. */
  histogram(name: string, help: string): Histogram
  /** Everything in Prometheus' text format. */
  text(): Promise<string>
}

interface Declared {
  readonly name: string
  readonly help: string
}

/** Numbers by the value of one label. */
export interface LabelledMeasure extends Declared {
  readonly kind: 'gauge' | 'counter'
  readonly label: string
  read(): Readonly<Record<string, number>>
}

export interface HistogramMeasure extends Declared {
  readonly kind: 'histogram'
  readonly histogram: Histogram
}

export type Measure = LabelledMeasure | HistogramMeasure

export interface MetricsOptions {
  /** Also CPU, memory, event loop lag and garbage collection of this process (a timer is kept for the lag). */
  readonly processMetrics?: boolean
  /** With others, `text()` has the numbers of all, each with the label `worker`. */
  readonly peers?: Peers
}

/** What Prometheus is told `text()` is. */
export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8'

/** prom-client, an eighth of the time to start, is loaded when somebody scrapes for the first time. */
export function createMetrics({ processMetrics = false, peers = noPeers() }: MetricsOptions = {}): Metrics {
  const routes = new Map<string, RouteTimings>()
  const measures: Measure[] = []
  let prometheus: Promise<{ text(): Promise<string> }> | undefined
  const own = async (): Promise<string> => {
    const options = { processMetrics, worker: peers.worker }
    prometheus ??= import('./prometheus.ts').then(({ openPrometheus }) => openPrometheus(routes, measures, options))
    return (await prometheus).text()
  }
  peers.respond('metrics', own)
  return {
    route(method, pattern) {
      const key = `${method} ${pattern}`
      const timings = routes.get(key) ?? new RouteTimings(method, pattern)
      routes.set(key, timings)
      return timings
    },
    gauge: (name, help, label, read) => void measures.push({ kind: 'gauge', name, help, label, read }),
    counted: (name, help, label, read) => void measures.push({ kind: 'counter', name, help, label, read }),
    counter(name, help, label) {
      const counts: Record<string, number> = {}
      measures.push({ kind: 'counter', name, help, label, read: () => counts })
      return (value, by = 1) => {
        counts[value] = (counts[value] ?? 0) + by
      }
    },
    histogram(name, help) {
      const histogram = new Histogram()
      measures.push({ kind: 'histogram', name, help, histogram })
      return histogram
    },
    text: async () => (peers.worker === undefined ? own() : mergeMetrics(await peers.ask('metrics'))),
  }
}
