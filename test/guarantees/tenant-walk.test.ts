// S7 of the guarantees: nothing of one tenant reaches another, in any operation of any resource. The walk is tried on applications that leak: one
// that forgot to say `tenant`, and one whose engine has lost the condition. Row-level security alone, without the engine, lets nothing through.

import { afterEach, describe, expect, test, vi } from 'vitest'
import type { AppDefinition } from 'plinth'
import { type TestApp, testApp, walkTenants } from 'plinth/testing'
import notes from '../../examples/notes/api/app.ts'
import { loseCondition } from '../support/lose-condition.ts'
import { testDatabase, testDatabases } from '../support/postgres.ts'
import { workshop } from '../support/workshop.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

async function walk(
  definition: AppDefinition,
  url: string,
  prepare = async (_app: TestApp): Promise<void> => {},
): Promise<readonly string[]> {
  const app = await testApp(definition, { url })
  try {
    await prepare(app)
    return await walkTenants(app)
  } finally {
    await app.close()
  }
}

async function tearDownWalls({ app }: TestApp): Promise<void> {
  const walls = await app.db.query<{ name: string }>(`select polrelid::regclass::text as name from pg_policy`)
  const owner = await app.db.connectAsOwner()
  for (const { name } of walls) await owner.query(`alter table ${name} no force row level security, disable row level security`)
  await owner.end()
}

describe.each(testDatabases())('the walk over two tenants on $name', ({ url }) => {
  test('finds nothing in an application with every kind of record', async () => {
    expect(await walk(workshop(), url)).toEqual([])
  }, 120_000)

  test('with the condition lost, row-level security shows nothing of another tenant and changes nothing of it', async () => {
    const found = await walk(workshop(), url, async ({ app }) => loseCondition(app))
    expect(found.filter((leak) => / shows | counts | changed rows | is let/.test(leak))).toEqual([])
  }, 120_000)
})

describe('the walk', () => {
  const { url } = testDatabase()

  test('finds nothing in examples/notes', async () => {
    expect(await walk(notes, url)).toEqual([])
  }, 120_000)

  test('finds a resource that forgot to say which tenant its records belong to', async () => {
    const found = (await walk(workshop('orders'), url)).join('\n')
    for (const leak of [
      /member of one: GET \/api\/orders\?page.* shows "\w+" of the other tenant/,
      /member of one: GET \/api\/orders\?page.* counts 4 records where there are 2/,
      /GET \/api\/orders\/\d+\/\d+ is not answered as for what is nowhere/,
      /GET \/api\/orders\?filter\[title\]\[contains\]=\w+&count=exact is not answered as for what is nowhere/,
      /PATCH \/api\/orders\/\d+\/\d+ is not answered as for what is nowhere/,
      /POST \/api\/orders is let, with 201/,
      /writes to \/api\/orders changed rows of the other tenant in "orders of other"/,
    ])
      expect(found).toMatch(leak)
  }, 120_000)

  test('finds an engine that has lost the condition, where nothing stands behind it', async () => {
    const found = await walk(workshop(), url, async (app) => {
      loseCondition(app.app)
      await tearDownWalls(app)
    })
    for (const name of ['machines', 'orders', 'parts', 'machine_parts', 'staff'])
      expect(found.filter((leak) => leak.includes(`GET /api/${name}`) && leak.includes(' shows '))).not.toEqual([])
    for (const name of ['machines', 'orders', 'machine_parts'])
      expect(
        found.some((leak) => leak.includes(`writes to /api/${name} changed rows of the other tenant`)),
        name,
      ).toBe(true)
  }, 120_000)
})
