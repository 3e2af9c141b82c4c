// The faults have a run of their own, `npm run chaos`: it takes minutes, and needs a machine that does not do much else.
import { defineConfig } from 'vitest/config'
import { shared } from '../../vitest.config.ts'

export default defineConfig({ ...shared, test: { ...shared.test, include: ['test/chaos/**/*.test.ts'] } })
