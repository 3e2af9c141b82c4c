// For tests of applications: a real application on a real database of its own.

export { type TestReply, type TestRequest } from './testing/request.ts'
export { testApp, type TestApp, type TestAppOptions } from './testing/test-app.ts'
export { holdTestServer } from './testing/test-server.ts'
export { walkTenants } from './testing/walk-tenants.ts'
export type { WalkOptions } from './testing/tenant-walk/walk.ts'
