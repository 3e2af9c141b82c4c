import { describe, expect, test } from 'vitest'
import { short, worldWithout } from './configurations.ts'
import { explore } from './explore.ts'
import { ruleNames, rules } from './rules.ts'

/** No search for a counterexample needs a tenth of it. */
const mostStates = 200_000

describe('the protocol of the fenced cache', () => {
  test.each(short)('answers with nothing stale in any state that can be reached: $name', (configuration) => {
    const { exhausted, counterexample, states } = explore(configuration)
    expect(counterexample).toBeUndefined()
    expect(exhausted).toBe(true)
    expect(states).toBeGreaterThan(5_000)
  })

  test.each(ruleNames)('needs the rule "%s"', (rule) => {
    const { counterexample } = explore(worldWithout[rule], rule, mostStates)
    expect(counterexample?.at(-1), rules[rule]).toMatch(/was old when it asked/)
    expect(counterexample?.length).toBeLessThan(20)
  })
})
