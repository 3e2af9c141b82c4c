import { expect, test } from 'vitest'
import { Line, LineMember } from './line.ts'

class Named extends LineMember {
  readonly name: string

  constructor(name: string) {
    super()
    this.name = name
  }
}

function lineOf(...names: string[]): { line: Line<Named>; members: Named[] } {
  const line = new Line<Named>()
  const members = names.map((name) => new Named(name))
  for (const member of members) line.add(member)
  return { line, members }
}

function namesOf(line: Line<Named>): string {
  return [...line].map(({ name }) => name).join('')
}

test.each([
  { leaver: 0, rest: 'bc', first: 'b' },
  { leaver: 1, rest: 'ac', first: 'a' },
  { leaver: 2, rest: 'ab', first: 'a' },
])('the others keep their order when number $leaver leaves, and newcomers stand behind them', ({ leaver, rest, first }) => {
  const { line, members } = lineOf('a', 'b', 'c')
  expect(line.remove(members.at(leaver) as Named)).toBe(true)
  line.add(new Named('d'))
  expect(namesOf(line)).toBe(`${rest}d`)
  expect(line.size).toBe(3)
  expect(line.first?.name).toBe(first)
})

test('who has left holds neither neighbour nor line, so that nothing lives longer because of it', () => {
  const { line, members } = lineOf('a', 'b', 'c')
  const middle = members.at(1) as Named
  line.remove(middle)
  expect(middle).toEqual({ name: 'b', line: undefined, previous: undefined, next: undefined })
})

test('leaving a second time, or a line one does not stand in, changes nothing', () => {
  const { line, members } = lineOf('a')
  const other = lineOf('b')
  expect(line.remove(other.members.at(0) as Named)).toBe(false)
  line.remove(members.at(0) as Named)
  expect(line.remove(members.at(0) as Named)).toBe(false)
  expect([line.size, line.first, other.line.size]).toEqual([0, undefined, 1])
})

test('each member may leave when its turn comes in a loop over all', () => {
  const { line } = lineOf('a', 'b', 'c')
  const seen: string[] = []
  for (const member of line) {
    seen.push(member.name)
    line.remove(member)
  }
  expect(seen).toEqual(['a', 'b', 'c'])
  expect(line.size).toBe(0)
})
