// `npm run chaos [-- --quick] [vitest arguments]`: everything that Plinth relies on breaks, and the answers are those of
// docs/operate/failure-modes.md (about half an hour; with `--quick` two minutes).
import { join } from 'node:path'
import { installPackages, nodeProgram, root } from './install.mjs'
import { run } from './run.mjs'
import { chaosTools, prepareTools } from './system-tools.mjs'

const deadlineMs = 60 * 60_000

installPackages()
const isQuick = process.argv.includes('--quick')
const rest = process.argv.slice(2).filter((argument) => argument !== '--quick')
const vitest = join(root, 'node_modules/vitest/vitest.mjs')
const env = { ...prepareTools(chaosTools), ...(isQuick ? {} : { GUARANTEES: 'long' }) }
process.exitCode = await run(nodeProgram(), [vitest, 'run', '--config', 'test/chaos/vitest.config.ts', ...rest], {
  cwd: root,
  env,
  deadlineMs,
})
if (process.exitCode === 124) console.error(`The run was stopped after ${deadlineMs / 60_000} minutes.`)
