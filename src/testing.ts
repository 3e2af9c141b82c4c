// For tests of applications: a real application on a real database of its own.

export { testApp, type TestApp, type TestAppOptions, type TestReply } from './testing/test-app.ts'
