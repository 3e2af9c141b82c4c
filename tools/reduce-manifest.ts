// `node tools/reduce-manifest.ts`, in an image that compiles Plinth: leaves in package.json what a compiler needs of the development
// dependencies, so that the install is a fifth as large. It changes the file where it is run; the lock file keeps deciding about versions.

import { readFileSync, writeFileSync } from 'node:fs'

/** The compiler, and whose types `src/` names. */
const compiling = /^(typescript|@types\/.*|drizzle-kit|@electric-sql\/pglite)$/

type Manifest = Record<string, unknown> & { readonly devDependencies: Readonly<Record<string, string>> }

/** The manifest without workspaces, without what is optional, and without development dependencies that compiling can do without. */
export function reducedManifest(manifest: Manifest): Record<string, unknown> {
  const { workspaces: _, optionalDependencies: __, devDependencies, ...rest } = manifest
  return { ...rest, devDependencies: Object.fromEntries(Object.entries(devDependencies).filter(([name]) => compiling.test(name))) }
}

if (import.meta.main) {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
  writeFileSync('package.json', `${JSON.stringify(reducedManifest(manifest), null, 2)}\n`)
}
