import { describe, expect, test } from 'vitest'
import { accepted, refused, refusedBytes } from '../../test/support/json-cases.ts'
import { JsonProblem, parseJson } from './strict-json.ts'

function problemOf(bytes: Buffer | string, limits?: Parameters<typeof parseJson>[1]): JsonProblem {
  try {
    parseJson(Buffer.from(bytes as string), limits)
  } catch (error) {
    if (error instanceof JsonProblem) return error
    throw error
  }
  throw new Error(`This was accepted: ${String(bytes).slice(0, 80)}`)
}

describe('I1: JSON', () => {
  test.each(accepted)('reads %j as JSON.parse does', (text) => {
    expect(parseJson(Buffer.from(text))).toEqual(JSON.parse(text))
  })

  test.each(refused)('refuses %j', (text) => {
    expect(problemOf(text).message).not.toBe('')
  })

  test('agrees with JSON.parse on what is JSON at all, for every text above with one character changed', () => {
    const alphabet = '[]{},:"\\ 01-.eEtfn\u0001é'
    let compared = 0
    for (const text of [...accepted, ...refused].filter((text) => text.length < 40)) {
      for (let at = 0; at < text.length; at += 1) {
        for (const character of alphabet) {
          const changed = text.slice(0, at) + character + text.slice(at + 1)
          if (!changed.isWellFormed()) continue
          compared += 1
          if (accepts(changed)) expect(JSON.parse(changed)).toBeDefined()
          else if (!isStricter(changed)) expect(() => JSON.parse(changed) as unknown, changed).toThrow(SyntaxError)
        }
      }
    }
    expect(compared).toBeGreaterThan(20_000)
  })

  /** Whether our refusal is one that JSON.parse does not know. */
  function isStricter(text: string): boolean {
    return /NUL|surrogate|twice|not allowed|too large/.test(problemOf(text).message)
  }
})

function accepts(text: string | Buffer): boolean {
  try {
    parseJson(Buffer.from(text as string))
    return true
  } catch {
    return false
  }
}

describe('I3: text', () => {
  test.each(refusedBytes)('refuses %s', (_name, latin1) => {
    expect(problemOf(Buffer.from(latin1, 'latin1')).message).toMatch(/UTF-8|value|string/)
  })

  test('says at which byte the text stops being UTF-8', () => {
    expect(problemOf(Buffer.from('{"a":"é","b":"\xff"}'.replace('é', '\xc3\xa9'), 'latin1'))).toMatchObject({
      message: 'it is not UTF-8',
      position: 15,
    })
  })

  test('control: what JSON.parse makes of bytes that are not UTF-8 is another text', () => {
    expect(JSON.parse(Buffer.from('["caf\xe9"]', 'latin1').toString())).toEqual(['caf\ufffd'])
  })
})

describe('I4: depth and width', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

  test('nesting is refused beyond the limit, at the place where it begins', () => {
    expect(parseJson(Buffer.from(nested(64)))).toBeDefined()
    expect(problemOf(nested(65))).toMatchObject({ message: 'it is nested more than 64 deep', position: 64 })
    expect(problemOf('{"a":'.repeat(65) + '1' + '}'.repeat(65)).message).toBe('it is nested more than 64 deep')
  })

  test('200,000 levels are refused without a stack overflow', () => {
    expect(problemOf(nested(200_000)).message).toContain('nested')
    expect(problemOf('['.repeat(200_000)).message).toContain('nested')
  })

  test('an object with too many keys is refused', () => {
    const object = (keys: number) => JSON.stringify(Object.fromEntries(Array.from({ length: keys }, (_, index) => [`k${index}`, index])))
    expect(parseJson(Buffer.from(object(1_000)))).toHaveProperty('k999', 999)
    expect(problemOf(object(1_001)).message).toBe('an object has more than 1000 keys')
    expect(problemOf(object(3), { depth: 2, keys: 2, arrayItems: 2 }).message).toBe('an object has more than 2 keys')
  })

  test('an array with too many items is refused', () => {
    expect(parseJson(Buffer.from(`[${Array(10_000).fill(0).join()}]`))).toHaveLength(10_000)
    expect(problemOf(`[${Array(10_001).fill(0).join()}]`)).toMatchObject({ message: 'an array has more than 10000 items', path: '[10000]' })
  })

  test.each([
    ['{"a":1,"b":2,"a":3}', 'a'],
    ['{"x":[{"id":1},{"id":1,"id":2}]}', 'x[1].id'],
    ['{"a":1,"\\u0061":2}', 'a'],
    ['{"":1,"":2}', ''],
    [`{${Array.from({ length: 40 }, (_, index) => `"k${index}":0`).join()},"k7":1}`, 'k7'],
  ])('a key that is there twice is refused: %j', (text, path) => {
    expect(problemOf(text)).toMatchObject({ path, message: expect.stringContaining('is there twice') as string })
  })

  test('control: JSON.parse lets the last of two equal keys win', () => {
    expect(JSON.parse('{"a":1,"a":3}')).toEqual({ a: 3 })
  })
})

describe('I6: keys that lead to a prototype', () => {
  test.each([
    '{"__proto__":{"admin":true}}',
    '{"__proto__":1}',
    '{"a":[{"__proto__":{}}]}',
    '{"\\u005f_proto__":{}}',
    '{"constructor":{"prototype":{"admin":true}}}',
    '{"a":{"prototype":{}}}',
  ])('%s is refused', (text) => {
    expect(problemOf(text).message).toContain('is not allowed')
    expect('admin' in {}).toBe(false)
  })
})

test('a refusal says where in the value and in the bytes it is', () => {
  expect(problemOf('{"items":[{"price":1},{"price":tru}]}')).toMatchObject({
    path: 'items[1].price',
    position: 31,
    message: 'a value was expected',
  })
  expect(problemOf('{"é": [1,')).toMatchObject({ path: 'é[1]', position: 10, message: 'it ends where a value should be' })
})

describe('A10: the worst body of 1 MB', () => {
  const megabyte = 1_048_576
  const fill = (piece: string) => piece.repeat(Math.floor(megabyte / piece.length))
  const wide = Array.from({ length: 1_000 }, (_, index) => `"k${index.toString(36)}":0`).join()
  const bodies: [string, string][] = [
    ['nesting', fill('[')],
    ['escapes', `"${fill('\\u00e9')}"`],
    ['pairs of escapes', `"${fill('\\ud83d\\ude39')}"`],
    ['one string', `"${fill('a')}"`],
    [
      'numbers',
      `[${fill('[1,2,3,4,5,6,7,8,9],')
        .slice(0, 200_000)
        .replace(/,[^\]]*$/, '')}]`,
    ],
    ['digits', fill('9')],
    ['exponents', `[${Array(9_999).fill('1.2345678901234567e-300').join()}]`],
    ['small objects', `[${Array(9_999).fill('{"a":1,"b":"c","d":[1,2,3],"e":{"f":null}}').join()}]`],
    ['wide objects', `[${Array(100).fill(`{${wide}}`).join()}]`],
    [
      'long keys',
      `[${Array(10)
        .fill(`{${Array.from({ length: 100 }, (_, index) => `"${'x'.repeat(1_000)}${index}":1`).join()}}`)
        .join()}]`,
    ],
    ['escaped keys', `{${Array.from({ length: 999 }, (_, index) => `"\\u0061${'\\u0062'.repeat(150)}${index}":1`).join()}}`],
    ['spaces', ' '.repeat(megabyte)],
    ['not UTF-8 at the end', `"${fill('é').slice(0, megabyte / 2 - 2)}`],
  ]

  test.each(bodies)('%s is read or refused in less than 50 ms', (_name, text) => {
    const bytes = Buffer.from(text)
    expect(bytes.length).toBeLessThan(1.1 * megabyte)
    expect(Math.min(...Array.from({ length: 3 }, () => milliseconds(bytes)))).toBeLessThan(50)
  })

  /** Of this thread's CPU: what else the machine does at the moment is not what is promised. */
  function milliseconds(bytes: Buffer): number {
    const before = process.threadCpuUsage()
    accepts(bytes)
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 1_000
  }
})
