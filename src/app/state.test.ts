import { defineApp } from 'plinth'
import { testApp } from 'plinth/testing'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../test/support/redis.ts'

const definition = defineApp({ name: 'notes', models: {}, resources: [] })

test('an application has sessions and counters', async () => {
  const { app, close } = await testApp(definition)
  onTestFinished(close)
  const { id } = await app.state.sessions.create({ user: 'ann' })
  await until(async () => (await app.state.sessions.get(id))?.user === 'ann')
  expect(await app.state.rates.hit('a', 1, 60_000)).toMatchObject({ allowed: true })
  expect(await app.state.rates.hit('a', 1, 60_000)).toMatchObject({ allowed: false })
})
