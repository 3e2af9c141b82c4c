// The faults have a run of their own, `npm run chaos`: it takes minutes, most of which are spent waiting, and times are measured in it.
import { defineConfig } from 'vitest/config'
import { shared } from '../../vitest.config.ts'

const isLong = process.env['GUARANTEES'] === 'long'

export default defineConfig({
  ...shared,
  test: { ...shared.test, include: ['test/chaos/**/*.test.ts'], maxWorkers: isLong ? 1 : 3 },
})
