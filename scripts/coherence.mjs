// `npm run coherence [-- --quick]`: whether every cached read is right, while everything it relies on breaks (about two hours on two quiet
// cores; with `--quick` two minutes). What can be asked for is in test/coherence/main.ts.
import { join } from 'node:path'
import { installPackages, nodeProgram, root } from './install.mjs'
import { run } from './run.mjs'
import { prepareTools } from './system-tools.mjs'

const deadlineMs = 5 * 60 * 60_000

installPackages()
const main = join(root, 'test/coherence/main.ts')
const options = { cwd: root, env: prepareTools(), deadlineMs }
process.exitCode = await run(nodeProgram(), ['--conditions=source', main, ...process.argv.slice(2)], options)
if (process.exitCode === 124) console.error(`The run was stopped after ${deadlineMs / 60_000} minutes.`)
