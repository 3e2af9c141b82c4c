// What is checked, in order. `npm run check` runs `checks`; `.ci/run` runs `ciStages`. A new stage is one line here.
//
// name     word after `npm run check --`, to run this stage alone
// command  found in node_modules/.bin first, so `node` is Node 24; run in the repository's folder
// minutes  after which it is stopped and counts as failed; default 10
// results  file with vitest's JSON report, when the stage is a test run: its tests are counted one by one

/** @typedef {{ name: string, command: string[], minutes?: number, results?: string }} Stage */

const testResults = '.plinth/test-results.json'
const guaranteeResults = '.plinth/guarantee-results.json'
const chaosResults = '.plinth/chaos-results.json'
const containerResults = '.plinth/container-results.json'

/** @type {Stage[]} */
export const checks = [
  { name: 'types', command: ['tsc', '-p', 'tsconfig.check.json'] },
  { name: 'lint', command: ['oxlint'] },
  { name: 'format', command: ['oxfmt', '--check'] },
  { name: 'order', command: ['node', 'tools/check-order.ts'] },
  { name: 'doors', command: ['node', 'tools/check-doors.ts'] },
  { name: 'errors', command: ['node', 'tools/check-errors.ts'] },
  { name: 'docs', command: ['node', 'tools/check-docs.ts'], minutes: 15 },
  { name: 'unused', command: ['knip'] },
  { name: 'package', command: ['node', 'tools/check-package.ts'] },
]

/** @type {Stage[]} */
export const ciStages = [
  {
    name: 'tests',
    command: ['npm', 'test', '--', '--reporter=default', '--reporter=json', `--outputFile.json=${testResults}`],
    minutes: 15,
    results: testResults,
  },
  {
    name: 'guarantees',
    command: ['npm', 'run', 'guarantees', '--', '--reporter=default', '--reporter=json', `--outputFile.json=${guaranteeResults}`],
    minutes: 15,
    results: guaranteeResults,
  },
  { name: 'coherence', command: ['npm', 'run', 'coherence', '--', '--quick'], minutes: 15 },
  {
    name: 'chaos',
    command: ['npm', 'run', 'chaos', '--', '--quick', '--reporter=default', '--reporter=json', `--outputFile.json=${chaosResults}`],
    minutes: 15,
    results: chaosResults,
  },
  { name: 'bench', command: ['npm', 'run', 'bench', '--', '--quick'], minutes: 5 },
  {
    name: 'containers',
    command: ['npm', 'run', 'containers', '--', '--reporter=default', '--reporter=json', `--outputFile.json=${containerResults}`],
    minutes: 30,
    results: containerResults,
  },
  ...checks,
]
