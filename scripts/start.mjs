// `npm start [-- NAME [options]]`: installs what is missing and starts an example on the embedded database, migrated and seeded.
// Options after the name go to `plinth start api`.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { installPackages, nodeProgram, root } from './install.mjs'
import { run } from './run.mjs'

const examples = join(root, 'examples')
const [name, options] = readArguments(process.argv.slice(2))

if (!exampleNames().includes(name)) {
  console.error(
    `There is no example "${name}". The examples are:\n${exampleNames()
      .map((known) => `  npm start -- ${known}`)
      .join('\n')}`,
  )
  process.exit(2)
}
installPackages()
const cli = join(root, 'bin/plinth.js')
process.exitCode = await run(nodeProgram(), [cli, 'start', 'api', '--prepare', ...options], { cwd: join(examples, name) })

function readArguments(args) {
  const [first, ...rest] = args
  return first === undefined || first.startsWith('-') ? ['items', args] : [first, rest]
}

function exampleNames() {
  return readdirSync(examples).filter((folder) => existsSync(join(examples, folder, 'package.json')))
}
