// `npm run guarantees [-- vitest arguments]`: what Plinth promises, searched for with the numbers that are promised (minutes; `npm test`
// has a taste of each). Prints what was tried and found. `SEED=7` before it makes other random choices.
import { join } from 'node:path'
import { installPackages, nodeProgram, root } from './install.mjs'
import { run } from './run.mjs'
import { guaranteeTools, prepareTools } from './system-tools.mjs'

const deadlineMs = 14 * 60_000

installPackages()
const vitest = join(root, 'node_modules/vitest/vitest.mjs')
const env = { ...prepareTools(guaranteeTools), GUARANTEES: 'long' }
process.exitCode = await run(nodeProgram(), [vitest, 'run', 'test/guarantees', ...process.argv.slice(2)], { cwd: root, env, deadlineMs })
if (process.exitCode === 124) console.error(`The guarantees were stopped after ${deadlineMs / 60_000} minutes.`)
