#!/usr/bin/env node
// Starts the command line: from src/ in a checkout of the repository, from dist/ in the published package.
// Plain JavaScript that an old Node can parse, so that it can say which Node is needed.
import { existsSync } from 'node:fs'
import module from 'node:module'

const oldestMajor = 24

if (Number.parseInt(process.versions.node, 10) < oldestMajor) {
  console.error(`plinth needs Node.js ${oldestMajor} or newer; this is ${process.versions.node} (${process.execPath}).`)
  process.exit(1)
}

module.enableCompileCache()
const source = new URL('../src/cli/main.ts', import.meta.url)
const entry = existsSync(source) ? source : new URL('../dist/cli/main.js', import.meta.url)
if (entry === source) resolveFromSource()

const { main } = await import(entry.href)
await main(process.argv.slice(2))

/** What `node --conditions=source` does, for our own name only: `plinth/db` is src/db.ts. */
function resolveFromSource() {
  module.registerHooks({
    resolve(specifier, context, nextResolve) {
      const ours = specifier === 'plinth' || specifier.startsWith('plinth/')
      return nextResolve(specifier, ours ? { ...context, conditions: [...context.conditions, 'source'] } : context)
    },
  })
}
