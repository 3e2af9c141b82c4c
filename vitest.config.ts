// How the tests run: from source (no build), in three processes that are kept between files, against real servers.
import { defineConfig, type ViteUserConfig } from 'vitest/config'
import { isLong } from './test/guarantees/support/amount.ts'

/** What every run has in common. */
export const shared = {
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    environment: 'node',
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/watch-logs.ts'],
    pool: 'forks',
    isolate: false,
    // On two cores: most of a test's time it waits for servers that start, stop and freeze; the long searches do not.
    maxWorkers: isLong ? 2 : 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Machines of CI are shared and freeze for seconds at a time; a test that fails twice has failed. Locally once is enough.
    retry: process.env['CI'] === 'true' ? 1 : 0,
  },
} satisfies ViteUserConfig

/** What takes half a minute even in short, and is done whole in `npm run guarantees`. */
const onlyLong = ['restarts', 'redis-is-optional', 'acknowledged-writes', 'crash', 'tenant-walk'].map(
  (name) => `test/guarantees/${name}.test.ts`,
)

export default defineConfig({
  ...shared,
  test: {
    ...shared.test,
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'tools/**/*.test.ts', 'examples/**/tests/*.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**', 'test/chaos/**', 'test/containers/**', ...(isLong ? [] : onlyLong)],
  },
})
