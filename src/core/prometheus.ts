// What was counted, as Prometheus reads it. prom-client writes the text and measures the process.

import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client'
import { bounds, type LabelledMeasure, type Measure, type RouteTimings, type Series } from './metrics.ts'

const durationName = 'http_request_duration_seconds'

/** @param measures  may grow: what is declared later is told from then on */
export function openPrometheus(
  routes: ReadonlyMap<string, RouteTimings>,
  measures: readonly Measure[],
  { processMetrics, worker }: { readonly processMetrics: boolean; readonly worker: number | undefined },
): { text(): Promise<string> } {
  const registry = new Registry()
  if (worker !== undefined) registry.setDefaultLabels({ worker })
  if (processMetrics) collectDefaultMetrics({ register: registry })
  registerRequests(registry, () => [...routes.values()].flatMap((timings) => [...timings.series()]))
  let registered = 0
  return {
    text() {
      for (; registered < measures.length; registered += 1) register(registry, measures[registered])
      return registry.metrics()
    },
  }
}

function register(registry: Registry, measure: Measure | undefined): void {
  if (measure?.kind === 'histogram') {
    const { name, help, histogram } = measure
    registry.registerMetric(new KeptHistogram(name, help, () => [{ labels: {}, histogram }]))
  } else if (measure !== undefined) registerLabelled(registry, measure)
}

function registerLabelled(registry: Registry, { kind, name, help, label, read }: LabelledMeasure): void {
  const settings = { name, help, labelNames: [label], registers: [] }
  if (kind === 'gauge') {
    const collect = function (this: Gauge): void {
      for (const [value, number] of Object.entries(read())) this.set({ [label]: value }, number)
    }
    return registry.registerMetric(new Gauge({ ...settings, collect }))
  }
  registry.registerMetric(
    counterOf(new Counter(settings), () => Object.entries(read()).map(([value, number]) => [{ [label]: value }, number])),
  )
}

type Counted = readonly [labels: Readonly<Record<string, string>>, count: number]

/** A counter whose numbers are kept elsewhere. */
function counterOf<label extends string>(counter: Counter<label>, read: () => readonly Counted[]): Counter<label> {
  const collected = counter.get.bind(counter)
  counter.get = () => {
    counter.reset()
    for (const [labels, count] of read()) counter.inc(labels as Record<label, string>, count)
    return collected()
  }
  return counter
}

function registerRequests(registry: Registry, allSeries: () => Series[]): void {
  const total = new Counter({
    name: 'http_requests_total',
    help: 'Requests answered.',
    labelNames: ['method', 'route', 'status'],
    registers: [],
  })
  registry.registerMetric(counterOf(total, () => allSeries().map(({ labels, histogram }) => [labels, histogram.count])))
  registry.registerMetric(new KeptHistogram(durationName, 'Seconds from the request to the end of its answer.', allSeries))
}

/** A histogram whose numbers are kept elsewhere. A Gauge by class, because only a Gauge is asked for its values through `get`. */
class KeptHistogram extends Gauge {
  readonly #name: string
  readonly #allSeries: () => readonly Series[]

  constructor(name: string, help: string, allSeries: () => readonly Series[]) {
    super({ name, help, registers: [] })
    this.#name = name
    this.#allSeries = allSeries
  }

  override async get() {
    const described = await super.get()
    const values = this.#allSeries().flatMap((series) => valuesOf(this.#name, series))
    return { ...described, type: 'histogram' as never, values }
  }
}

function valuesOf(name: string, { labels, histogram: { buckets, count, sum } }: Series) {
  let below = 0
  const cumulative = bounds.map((le, index) => {
    below += buckets[index] ?? 0
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: below }
  })
  return [
    ...cumulative,
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
