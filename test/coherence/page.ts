// The findings of a whole run as the page bench/COHERENCE.md.

import { machine } from '../../bench/versions.ts'
import { byKey, failed, type Finding, hitRatio, percent } from './report.ts'

/** @param versions  name, version */
export function page(findings: readonly Finding[], versions: readonly (readonly [string, string])[]): string {
  const right = findings.filter(({ control }) => control === undefined)
  const controls = findings.filter(({ control }) => control !== undefined)
  return [
    '# Coherence',
    `Written by \`npm run coherence\` on ${new Date().toISOString().slice(0, 10)}. ${machine()}. ${versions.map((pair) => pair.join(' ')).join(', ')}.`,
    method,
    ...[...new Set(right.map(({ mode }) => mode))].map((mode) =>
      modeTable(
        mode,
        right.filter((finding) => finding.mode === mode),
      ),
    ),
    controlTable(controls),
  ].join('\n\n')
}

const method = `Three processes of one application on one PostgreSQL and one Redis, which each process reaches through a proxy of its own. Twelve clients for each mode read and
write eight registers over HTTP: one request in seven is a write, one write in twenty is rolled back, and a connection of its own writes past the
framework. Reads are records, filtered lists, whole lists, and (verified) records that include a register. Every write has a value of its own, so a checker
(\`test/coherence/checker.ts\`) decides whether there is one order of all operations on a register in which every read returns the latest write;
a violation is a value that stands in no such order. A write without an answer may happen at any time later, or never. The pause of writes is the longest that
one of them took, deadlines and failovers included. Reads by key are the ones that the fenced mode answers from Redis alone; its lists are verified ones.

A whole run asks for 200,000 operations in each mode under each of the nine promised faults; one that was stopped has less. The tables count what was made.`

function modeTable(mode: string, findings: readonly Finding[]): string {
  const head = [
    '| fault | struck | operations | violations | failed | unknown writes | hits | by key | longest write | longest read |',
    '|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|',
  ]
  return [`## ${mode}`, '', ...head, ...findings.map(row)].join('\n')
}

function row({ fault, strikes, tally, violations }: Finding): string {
  const [ratio, ratioByKey] = [hitRatio(tally), hitRatio(tally, byKey)]
  const cells = [
    fault,
    strikes,
    tally.operations.toLocaleString('en'),
    violations.length === 0 ? '0' : `**${violations.length}**`,
    failed(tally),
    tally.unknown,
    ...[ratio, ratioByKey].map((value) => (value === undefined ? '' : percent(value))),
    `${tally.longestWriteMs.toFixed(0)} ms`,
    `${tally.longestReadMs.toFixed(0)} ms`,
  ]
  return `| ${cells.join(' | ')} |`
}

function controlTable(findings: readonly Finding[]): string {
  const rows = findings.map(
    ({ title, fault, tally, violations }) =>
      `| ${title} | ${fault} | ${violations.length > 0 ? `found after ${tally.operations.toLocaleString('en')} operations` : '**not found**'} | ${violations.length} |`,
  )
  return [
    '## What has to be found',
    '',
    'Wrong on purpose; each run ends with the second in which a violation is found. Rules that a run meets too rarely are left out in the model only',
    '(`test/coherence/model`), whose search finds a stale read for every one of them.',
    '',
    '| what is wrong | fault | | violations |',
    '|---|---|---|--:|',
    ...rows,
  ].join('\n')
}
