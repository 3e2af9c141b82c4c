// `npm test [-- vitest arguments]`: installs what the tests need and runs them.
import { join } from 'node:path'
import { installPackages, nodeProgram, root } from './install.mjs'
import { run } from './run.mjs'
import { prepareTools } from './system-tools.mjs'

// Twice what it takes on two cores, so that it ends by itself; CI's machine may be busy with others.
const deadlineMs = (process.env.CI === 'true' ? 24 : 18) * 60_000

installPackages()
const vitest = join(root, 'node_modules/vitest/vitest.mjs')
const options = { cwd: root, env: prepareTools(), deadlineMs }
process.exitCode = await run(nodeProgram(), [vitest, 'run', ...process.argv.slice(2)], options)
if (process.exitCode === 124) console.error(`The tests were stopped after ${deadlineMs / 60_000} minutes.`)
