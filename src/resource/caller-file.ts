// The file that called a `define…` function, so that a mistake found at start can say where it stands.

import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** @returns the path relative to the working directory; undefined when the stack has no such frame */
export function callerFile(): string | undefined {
  // Frame 0 is this function, 1 the define function, 2 its caller.
  const frame = new Error().stack?.split('\n').slice(1)[2]
  const url = frame?.match(/(file:\/\/[^\s)]+?|\/[^\s)]+?):\d+:\d+\)?$/)?.[1]
  if (url === undefined) return undefined
  return relative(process.cwd(), url.startsWith('file:') ? fileURLToPath(url) : url)
}
