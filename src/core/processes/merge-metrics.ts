// What several processes count, as one answer. Each number keeps its process as a label: added up, the sum would fall when a process is
// replaced, which Prometheus takes for a reset of everything.

import type { PeerAnswer } from './messages.ts'

/**
 * Joins texts in the format of Prometheus, of which each has its samples labelled: a metric must stand in one place with all its samples.
 *
 * @param answers  the text of each process; a process without one is told as not up
 */
export function mergeMetrics(answers: readonly PeerAnswer[]): string {
  const metrics = new Map<string, { readonly head: string[]; readonly samples: string[] }>()
  for (const text of [...answers.map(({ answer }) => answer), upText(answers)]) {
    if (typeof text === 'string') addBlocks(text, metrics)
  }
  return [...metrics.values()].map(({ head, samples }) => `${[...head, ...samples].join('\n')}\n`).join('\n')
}

function addBlocks(text: string, metrics: Map<string, { readonly head: string[]; readonly samples: string[] }>): void {
  for (const block of text.split(/^(?=# HELP )/m)) {
    const lines = block.split('\n').filter((line) => line !== '')
    const head = lines.filter((line) => line.startsWith('#'))
    const name = head[0]?.split(' ')[2] ?? ''
    const metric = metrics.get(name) ?? { head, samples: [] }
    metrics.set(name, metric)
    metric.samples.push(...lines.filter((line) => !line.startsWith('#')))
  }
}

function upText(answers: readonly PeerAnswer[]): string {
  const samples = answers
    .filter(({ worker }) => worker > 0)
    .map(({ worker, answer }) => `plinth_worker_up{worker="${worker}"} ${answer === undefined ? 0 : 1}`)
  return ['# HELP plinth_worker_up Whether a process has told its numbers in time.', '# TYPE plinth_worker_up gauge', ...samples].join('\n')
}
