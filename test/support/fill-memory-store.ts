// A process of its own that fills a store with many answers and prints how much memory that really took; run with --expose-gc.

import { MemoryStore } from '../../src/cache/memory-store.ts'

const [mostBytes = 0, bodyBytes = 0, answers = 0] = process.argv.slice(2).map(Number)
const collect = globalThis.gc
if (collect === undefined) throw new Error('Run with --expose-gc.')

function used(): number {
  collect?.()
  collect?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const store = new MemoryStore(mostBytes)
const before = used()
for (let i = 0; i < answers; i++) {
  const key = `${'k'.repeat(40)}.${i}`
  const version = { text: `${'v'.repeat(80)}${i}`, askedAt: i, stamp: 0 }
  store.set(key, version, { etag: `"${'e'.repeat(27)}"`, body: Buffer.alloc(bodyBytes, 1), facts: {} }, Infinity)
}
console.log(JSON.stringify({ grownBytes: used() - before, ...store.counts() }))
