import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const main = join(import.meta.dirname, 'main.ts')

/** Of `npm run coherence` with these arguments. */
async function coherence(...args: readonly string[]): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, ['--conditions=source', main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const chunks: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  const [code] = (await once(child, 'close')) as [number]
  return { code, output: Buffer.concat(chunks).toString() }
}

describe('the coherence run', { timeout: 300_000 }, () => {
  test('it fails when what has to be right is wrong, a rule of ours left out or a recipe, and says where', async () => {
    const modes = 'naive,verified,fenced'
    const { code, output } = await coherence(
      '--quick',
      '--only',
      'none',
      '--modes',
      modes,
      '--broken',
      'everyVariant',
      '--operations',
      '2000',
    )
    expect(output).toMatch(/^FAIL naive, none/m)
    expect(output).toMatch(/^ok {3}verified, none/m)
    expect(output).toMatch(/^FAIL fenced, none/m)
    expect(output).toContain('reads and writes contradict each other')
    expect(code).toBe(1)
  })

  test('it knows its words', async () => {
    expect(await coherence('--only', 'flood')).toMatchObject({
      code: 1,
      output: expect.stringContaining('--only knows none, frozen') as string,
    })
  })
})
