import { describe, expect, onTestFinished, test } from 'vitest'
import { connect, scratchFolder, scratchUrl, writeSql } from '../../../test/support/migrations.ts'
import { testDatabases } from '../../../test/support/postgres.ts'
import { trackTables, versionOf } from '../../../test/support/tracked.ts'
import { readCatalog } from '../migrate/catalog.ts'
import { reset } from '../migrate/reset.ts'
import { status } from '../migrate/status.ts'
import { upgrade } from '../migrate/upgrade.ts'
import { installSystem, pendingSteps } from './install.ts'
import { systemSteps } from './steps.ts'

const numbers = systemSteps.map(({ step }) => step)

test('steps have numbers of their own, in the order they are applied', () => {
  expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b))
})

describe.each(testDatabases())('$name', ({ url: server }) => {
  test('each step is applied once, also when it was added later', async () => {
    const client = await connect(await scratchUrl(server))
    expect(await pendingSteps(client)).toEqual(numbers)
    expect(await installSystem(client)).toEqual(numbers)
    expect(await installSystem(client)).toEqual([])
    await client.query(`DELETE FROM plinth.system WHERE step = 2; DROP FUNCTION plinth.stamp()`)
    expect(await pendingSteps(client)).toEqual([2])
    expect(await installSystem(client)).toEqual([2])
  })

  test('a database that was migrated before there was a schema plinth gets it with the next upgrade, and status says so', async () => {
    const client = await connect(await scratchUrl(server))
    const directory = await scratchFolder()
    await writeSql(directory, { '0001_a': { up: 'CREATE TABLE a (id integer)' } })
    await upgrade(client, directory)
    await client.query('DROP SCHEMA plinth CASCADE')
    expect(await status(client, directory)).toMatchObject({ pending: 0, systemSteps: numbers })
    expect(await upgrade(client, directory)).toEqual([])
    expect(await status(client, directory)).toMatchObject({ pending: 0, systemSteps: [] })
  })

  test('it is ours: no catalog, no reset and no drift counts it, and a reset empties it', async () => {
    const client = await connect(await scratchUrl(server))
    const directory = await scratchFolder()
    await writeSql(directory, { '0001_a': { up: 'CREATE TABLE a (id integer)' } })
    await upgrade(client, directory)
    await client.query(`INSERT INTO plinth.touches VALUES (1, 1, '1')`)
    expect([...(await readCatalog(client)).keys()].toSorted()).toEqual(['column public.a.id', 'table public.a'])
    expect(await reset(client, directory, { isProduction: false })).toEqual(['0001_a'])
    expect((await client.query('SELECT * FROM plinth.touches WHERE relation = 1')).rows).toEqual([])
    expect(await pendingSteps(client)).toEqual([])
  })

  test('a role that may not make schemas is told so, and is not needed where the schema is there', async () => {
    const url = await scratchUrl(server)
    const owner = await connect(url)
    const role = `migrator_${Math.random().toString(36).slice(2)}`
    await owner.query(`CREATE ROLE ${role} LOGIN; GRANT CREATE ON SCHEMA public TO ${role}`)
    onTestFinished(async () => void (await owner.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)))
    const asRole = new URL(url)
    asRole.username = role
    const client = await connect(asRole.href)
    const directory = await scratchFolder()
    await writeSql(directory, { '0001_a': { up: 'CREATE TABLE a (id integer)' } })
    await expect(upgrade(client, directory)).rejects.toMatchObject({ code: 'MIGRATE_SYSTEM_REFUSED' })
    await installSystem(owner)
    expect(await upgrade(client, directory)).toEqual(['0001_a'])
  })

  test('a tracked table that was restored from a dump has a version again after an upgrade', async () => {
    const client = await connect(await scratchUrl(server))
    await trackTables(client, 'CREATE TABLE items (id integer)', { tracked: ['items'] })
    await client.query(`UPDATE plinth.versions SET home = home + 1; UPDATE plinth.touches SET home = home + 1`)
    expect(await versionOf(client, 'items')).toBeNull()
    await upgrade(client, await scratchFolder())
    expect(await versionOf(client, 'items')).toEqual(expect.any(String))
  })
})
