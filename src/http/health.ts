// Whether the process lives, whether it can serve, what it depends on, and its metrics. Machine endpoints: never in the reply format.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inTime } from '../core/lifecycle.ts'
import { type Metrics, metricsContentType } from '../core/metrics.ts'
import type { HealthCheck, HealthReport } from '../core/module.ts'
import { noPeers, type Peers } from '../core/processes/peers.ts'
import { networkMatcher } from '../support/networks.ts'
import { httpErrors } from './errors.ts'

export interface HealthOptions {
  readonly checks: readonly HealthCheck[]
  readonly metrics: Metrics
  /** Of the application, shown in the details. */
  readonly version?: string
  /** The other processes at the same address. */
  readonly peers?: Peers
  /** True (production): details and metrics are for callers on this machine or a private network; others get a 404. */
  readonly privateOnly: boolean
}

interface CheckResult {
  readonly name: string
  readonly required: boolean
  readonly report: HealthReport
  readonly latencyMs: number
}

const checkMs = 1_000
/** Probes from several places in the same moment share one look. */
const shareMs = 250

/** Adds `/health`, `/health/live`, `/health/ready`, `/health/details` and `/metrics`. */
export function addHealthRoutes(app: FastifyInstance, options: HealthOptions): void {
  const { checks, metrics, version, privateOnly, peers = noPeers() } = options
  const look = shared(() => Promise.all(checks.map(runCheck)))
  const insight = { config: { quiet: true }, onRequest: privateOnly ? [refuseStrangers] : [] }
  const probe = { config: { quiet: true } }
  peers.respond('details', () => ownDetails(app))
  const alive = (_request: FastifyRequest, reply: FastifyReply) => reply.send({ status: 'ok' })
  app.get('/health', probe, alive)
  app.get('/health/live', probe, alive)
  app.get('/health/ready', probe, async (_request, reply) => {
    if (app.inFlight.draining && !app.inFlight.retiring) return reply.code(503).send({ status: 'draining' })
    const failing = failingNames(await look())
    return failing.length === 0
      ? reply.send({ status: 'ok' })
      : reply.code(503).header('retry-after', '1').send({ status: 'unavailable', failing })
  })
  app.get('/health/details', insight, async (_request, reply) => {
    const results = await look()
    const code = failingNames(results).length === 0 ? 200 : 503
    return reply.code(code).send({ ...details(results, app, version), ...(await processDetails(peers)) })
  })
  app.get('/metrics', insight, async (_request, reply) => reply.type(metricsContentType).send(await metrics.text()))
}

function details(results: readonly CheckResult[], app: FastifyInstance, version: string | undefined) {
  return {
    status: failingNames(results).length === 0 ? 'ok' : 'unavailable',
    version,
    node: process.version,
    ...usage(app),
    checks: Object.fromEntries(results.map(({ name, required, report, latencyMs }) => [name, { ...report, required, latencyMs }])),
  }
}

function usage(app: FastifyInstance) {
  return {
    uptimeSeconds: Math.round(process.uptime()),
    memoryBytes: process.memoryUsage.rss(),
    requestsInFlight: app.inFlight.size,
  }
}

/** What one of several processes says of itself. */
function ownDetails(app: FastifyInstance) {
  return { pid: process.pid, state: app.inFlight.draining ? 'draining' : 'serving', ...usage(app) }
}

/** The processes at this address, where there are several. One that is being started, or holds up its event loop, says nothing. */
async function processDetails(peers: Peers): Promise<object> {
  if (peers.worker === undefined) return {}
  const answers = await peers.ask('details')
  const workers = answers
    .filter(({ worker }) => worker > 0)
    .map(({ worker, answer }) => ({ worker, ...((answer as object | undefined) ?? { state: 'silent' }) }))
  return { worker: peers.worker, primary: answers.find(({ worker }) => worker === 0)?.answer, workers }
}

function failingNames(results: readonly CheckResult[]): string[] {
  return results.filter(({ required, report }) => required && !report.ok).map(({ name }) => name)
}

async function runCheck(check: HealthCheck): Promise<CheckResult> {
  const { name, required = true } = check
  const start = performance.now()
  const report = await inTime(name, checkMs, () => check.check()).catch((): HealthReport => ({ ok: false, error: 'did not answer' }))
  return { name, required, report, latencyMs: Math.round((performance.now() - start) * 100) / 100 }
}

/** One run at a time, and its result for a moment after. */
function shared<result>(work: () => Promise<result>): () => Promise<result> {
  let current: Promise<result> | undefined
  return () => {
    current ??= work().finally(() => setTimeout(() => (current = undefined), shareMs).unref())
    return current
  }
}

const isPrivate = networkMatcher(['loopback', 'private'])

async function refuseStrangers(request: FastifyRequest): Promise<void> {
  if (!isPrivate(request.ip)) throw httpErrors.NOT_FOUND()
}
