import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { verifierOf } from './algorithms.ts'
import { readCompact } from './jws.ts'

interface Vectors {
  readonly groups: readonly {
    readonly key: { readonly kty: string; readonly k?: string }
    readonly tests: readonly { readonly tcId: number; readonly jws: string | object; readonly result: 'valid' | 'invalid' }[]
  }[]
}

const file = join(import.meta.dirname, '../../../test/support/wycheproof-jws.json')
const { groups } = JSON.parse(readFileSync(file, 'utf8')) as Vectors

function accepts(jws: string, secret: Buffer): boolean {
  try {
    const { header, input, signature } = readCompact(jws)
    return header['alg'] === 'HS256' && verifierOf('HS256', secret)(input, signature)
  } catch {
    return false
  }
}

/** Vectors that were accepted, by their numbers. Public keys stand in for secrets, as in the confusion of algorithms. */
function accepted(result: 'valid' | 'invalid'): { tcId: number; jws: string }[] {
  return groups.flatMap(({ key, tests }) => {
    const secret = key.k === undefined ? Buffer.from(JSON.stringify(key)) : Buffer.from(key.k, 'base64url')
    const texts = tests.map(({ tcId, jws, result: expected }) => ({
      tcId,
      expected,
      jws: typeof jws === 'string' ? jws : JSON.stringify(jws),
    }))
    return texts.filter(({ jws, expected }) => expected === result && accepts(jws, secret))
  })
}

test('none of the 355 invalid signatures of Wycheproof is accepted, and those of HS256 that are valid are', () => {
  const vectors = groups.flatMap(({ tests }) => tests)
  expect(vectors.filter(({ result }) => result === 'invalid')).toHaveLength(355)
  const valid = accepted('valid')
  // Of ten, two have a question mark in their base64url, which we do not overlook.
  expect(valid.map(({ tcId }) => tcId)).toHaveLength(8)
  // 367 and 370 are called invalid, and are letter for letter the text of 357, which is valid: padding that they are about was lost.
  const mistaken = accepted('invalid')
  expect(mistaken.map(({ tcId }) => tcId)).toEqual([367, 370])
  for (const { jws } of mistaken) expect(valid.map((vector) => vector.jws)).toContain(jws)
})
