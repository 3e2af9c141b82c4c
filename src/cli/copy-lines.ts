// Passes on what workers print, line by line: lines that several processes write to one pipe are cut into each other when they are longer
// than 4 KB.

import type { Readable } from 'node:stream'

const newline = 10
/** Longest line that is waited for; a program that prints no line ends must not fill the memory. */
const longestBytes = 1_048_576

/** @returns resolves when `from` has ended and everything is written */
export async function copyLines(from: Readable, to: NodeJS.WritableStream): Promise<void> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of from as AsyncIterable<Buffer>) {
    const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const complete = text.lastIndexOf(newline) + 1
    const end = text.length - complete > longestBytes ? text.length : complete
    rest = text.subarray(end)
    if (end > 0) await write(to, text.subarray(0, end))
  }
  if (rest.length > 0) await write(to, Buffer.concat([rest, Buffer.from([newline])]))
}

/** Whoever reads us slowly is waited for, and then so are the workers. */
async function write(to: NodeJS.WritableStream, bytes: Buffer): Promise<void> {
  if (to.write(bytes) || !to.writable) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      to.off('drain', done).off('close', done).off('error', done)
      resolve()
    }
    to.on('drain', done).on('close', done).on('error', done)
  })
}
