import { describe, expect, test } from 'vitest'
import { explain } from './explain.ts'
import { History, now } from './history.ts'
import { pickRead, valuesIn, modes } from './modes.ts'
import { randomFrom } from '../guarantees/support/random.ts'

const zeros = new Map([
  [1, 0],
  [2, 0],
])

describe('the history of a run', () => {
  test('a write counts from before it is sent, whether or not an answer comes', () => {
    const history = new History(zeros)
    history.beginWrite(1, 5)
    expect(history.writesOf(1)).toMatchObject([{ value: 5, end: Infinity }])
    history.endRead(now(), [1], new Map([[1, 5]]))
    expect(history.check()).toEqual([])
  })

  test('the value of a write that was refused must never be seen', () => {
    const history = new History(zeros)
    const refused = history.beginWrite(1, 5)
    history.endWrite([history.beginWrite(1, 6)])
    history.refuseWrite([refused])
    history.endRead(now(), [1], new Map([[1, 6]]))
    expect(history.check()).toEqual([])
    history.endRead(now(), [1], new Map([[1, 5]]))
    expect(history.check().map(explain)).toEqual([
      expect.stringMatching(/^Key 1: 5 was read .* written by nobody, or by somebody who was refused/),
    ])
  })

  test('a request may write several keys, and is one operation', () => {
    const history = new History(zeros)
    history.endWrite([history.beginWrite(1, 5), history.beginWrite(2, 6)])
    history.endRead(
      now(),
      [1, 2],
      new Map([
        [1, 5],
        [2, 6],
      ]),
    )
    expect(history.check()).toEqual([])
    expect(history.tally).toMatchObject({ operations: 2, writes: 1 })
  })

  test('a list is a read of every key in it, and one that is not there is a violation', () => {
    const history = new History(zeros)
    history.endRead(now(), [1, 2], new Map([[1, 0]]), { cache: 'hit' })
    expect(history.check()).toMatchObject([{ key: 2, violation: { kind: 'never written' } }])
    expect(history.tally).toMatchObject({ operations: 1, cache: new Map([['record hit', 1]]) })
  })

  test('keys are checked on their own', () => {
    const history = new History(zeros)
    history.endWrite([history.beginWrite(1, 5)])
    history.endRead(now(), [2], new Map([[2, 0]]))
    expect(history.check()).toEqual([])
    history.endRead(now() + 1, [1], new Map([[1, 0]]))
    expect(history.check().map(explain)).toEqual([
      expect.stringMatching(/^Key 1: 5, written .*, read by nobody; but before and after that there was 0, which was there before, read/),
    ])
  })

  test('after a loss there is what was kept, and what was lost is nothing that anybody wrote', () => {
    const history = new History(zeros)
    history.endWrite([history.beginWrite(1, 5)])
    const underWay = history.beginWrite(2, 6)
    const before = now()
    history.restart(zeros)
    history.endRead(before, [1], new Map([[1, 5]]))
    history.endRead(now(), [1], new Map([[1, 0]]))
    history.endRead(now(), [2], new Map([[2, 6]]))
    history.endWrite([underWay])
    expect(history.check()).toEqual([])
    history.endRead(now(), [1], new Map([[1, 5]]))
    expect(history.check()).toMatchObject([{ key: 1, violation: { kind: 'never written' } }])
  })

  test('what contradicted before a loss is not forgotten', () => {
    const history = new History(zeros)
    history.endRead(now(), [1], new Map([[1, 5]]))
    history.restart(zeros)
    history.restart(zeros)
    expect(history.check()).toHaveLength(1)
  })

  test('what fails is counted by what came instead', () => {
    const history = new History(zeros)
    history.loseWrite([history.beginWrite(1, 5)], '503 DB_UNAVAILABLE')
    history.loseRead('503 DB_UNAVAILABLE')
    expect(history.tally).toMatchObject({ operations: 2, unknown: 1, failures: new Map([['503 DB_UNAVAILABLE', 2]]) })
  })
})

describe('the modes', () => {
  test('values are found in records, lists, and records that include one', () => {
    expect(valuesIn('{"id":3,"value":7}')).toEqual(new Map([[3, 7]]))
    expect(valuesIn('{"data":[{"id":1,"value":2},{"id":3,"value":4}]}')).toEqual(
      new Map([
        [1, 2],
        [3, 4],
      ]),
    )
    expect(valuesIn('{"id":9,"register_id":3,"register":{"id":3,"value":4}}')).toEqual(new Map([[3, 4]]))
  })

  test('every form of reading has its turn', () => {
    const random = randomFrom(1)
    for (const mode of Object.values(modes))
      expect(new Set(Array.from({ length: 500 }, () => pickRead(mode, random)))).toEqual(new Set(mode.reads))
  })
})
