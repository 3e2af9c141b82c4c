// How the tests run: from source (no build), in two processes that are kept between files, against real servers.
import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** What every run has in common. */
export const shared = {
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    environment: 'node',
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    isolate: false,
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Machines of CI are shared and freeze for seconds at a time; a test that fails twice has failed. Locally once is enough.
    retry: process.env['CI'] === 'true' ? 1 : 0,
  },
} satisfies ViteUserConfig

export default defineConfig({
  ...shared,
  test: {
    ...shared.test,
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'tools/**/*.test.ts', 'examples/**/tests/*.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**', 'test/chaos/**', 'test/containers/**'],
  },
})
