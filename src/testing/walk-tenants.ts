// For one line in a test: nothing of one tenant reaches another.

import { Walk, type WalkOptions } from './tenant-walk/walk.ts'
import type { TestApp } from './test-app.ts'

/**
 * Makes two tenants with rows in every table, and asks everything of every resource in the name of members in each role, of somebody who is in
 * both, in none, and of nobody: lists with every filter, sort, search and include, records by keys of the other tenant, every way to write
 * them, their keys and unique values in records of one's own. What belongs to the other tenant must be in no answer, answers must be those
 * for what does not exist, and its rows must be what they were. Needs `auth.tenants`, and an application that nobody else uses: it writes.
 *
 * @returns a sentence for each leak; of resources that nobody could read as well, because nothing of them was tried
 * @throws  Error when rows cannot be made up: say values for them
 *
 * @example  `expect(await walkTenants(app)).toEqual([])`
 */
export async function walkTenants({ app }: TestApp, options: WalkOptions = {}): Promise<readonly string[]> {
  const walk = new Walk(app, options)
  await walk.run()
  return [...new Set(walk.leaks)]
}
