// The version of this package.

import { readFileSync } from 'node:fs'

/** The manifest is two folders up from `src/core` and from `dist/core`. */
export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string }
  return manifest.version
}
