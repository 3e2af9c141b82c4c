// `npm run coherence [-- --quick]`: whether every cached read is right, while everything it relies on breaks, and whether each rule that
// makes it so is needed (about two hours on two quiet cores; with `--quick` two minutes). What can be asked for is in test/coherence/main.ts.
import { join } from 'node:path'
import { installPackages, nodeProgram, root } from './install.mjs'
import { run } from './run.mjs'
import { prepareTools } from './system-tools.mjs'

const deadlineMs = 5 * 60 * 60_000

installPackages()
const main = join(root, 'test/coherence/main.ts')
const vitest = join(root, 'node_modules/vitest/vitest.mjs')
const options = { cwd: root, env: prepareTools(), deadlineMs }
// Rules that random operations meet too rarely: all of them are searched for in the model, and most are played on real servers.
const rules = await run(nodeProgram(), [vitest, 'run', 'test/coherence/model', 'src/cache/fenced/rules.test.ts'], options)
process.exitCode = (await run(nodeProgram(), ['--conditions=source', main, ...process.argv.slice(2)], options)) || rules
if (process.exitCode === 124) console.error(`The run was stopped after ${deadlineMs / 60_000} minutes.`)
