// Tests with real containers. `npm run containers` starts them when there is an engine; `npm test` does not know of them.
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: join(import.meta.dirname, '../..'),
  test: {
    environment: 'node',
    include: ['test/containers/*.test.ts'],
    // A step builds an image, or waits for several containers.
    testTimeout: 240_000,
    hookTimeout: 600_000,
    fileParallelism: false,
    bail: 1,
  },
})
