// Rate limits where people sign in: who they are decides, and who shows a wrong token is counted all the same.

import { expect, onTestFinished, test } from 'vitest'
import { bearer, identityApp, password, tokensOf } from '../../test/support/identity-app.ts'
import { testDatabase } from '../../test/support/postgres.ts'

async function signedIn(rateLimit: string) {
  const made = await identityApp(testDatabase().url, { rateLimit })
  onTestFinished(() => made.close())
  const tokens = ['ann', 'bob'].map(async (name) => {
    await made.app.auth?.accounts.create({ email: `${name}@example.com`, password })
    return (await tokensOf(made, `${name}@example.com`)).access_token
  })
  /** Statuses; of what nobody expects here with the answer, which says why. */
  const read = async (token: string, times: number, remoteAddress: string): Promise<(number | string)[]> => {
    const found: (number | string)[] = []
    while (found.length < times) {
      const { statusCode, body } = await made.app.inject({ url: '/api/notes', headers: bearer(token), remoteAddress })
      found.push([200, 401, 429].includes(statusCode) ? statusCode : `${statusCode} ${body}`)
    }
    return found
  }
  return { tokens: await Promise.all(tokens), read }
}

test('two users behind one address have a limit each, and one user at two addresses has one', async () => {
  const { tokens, read } = await signedIn('2/1m by caller')
  const [ann = '', bob = ''] = tokens
  expect(await read(ann, 3, '192.0.2.1')).toEqual([200, 200, 429])
  expect(await read(bob, 1, '192.0.2.1')).toEqual([200])
  expect(await read(ann, 1, '192.0.2.2')).toEqual([429])
})

test('an address that tries one wrong token after the other is refused before the tokens are looked at', async () => {
  const { tokens, read } = await signedIn('20/1m')
  const tried = await read('wrong', 25, '192.0.2.3')
  expect(tried).toEqual([...Array.from({ length: 20 }, () => 401), 429, 429, 429, 429, 429])
  expect(await read(tokens[0] ?? '', 1, '192.0.2.3')).toEqual([429])
  expect(await read(tokens[0] ?? '', 1, '192.0.2.4')).toEqual([200])
})
