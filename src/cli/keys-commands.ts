// `plinth keys …`: the keys that access tokens are signed with.

import type { Auth } from '../auth/create-auth.ts'
import type { KeyDescription } from '../auth/tokens/key-ring.ts'
import { CommandFailure, print, printJson, table } from './output.ts'
import { withAuth } from './with-auth.ts'

export interface KeysFlags {
  readonly json?: boolean
}

export async function listKeys({ json }: KeysFlags): Promise<void> {
  const keys = await withAuth('keys list', (auth) => auth.keys.list())
  if (json === true) return printJson(keys.map(shown))
  print(keys.length === 0 ? 'There is no key yet: the first sign-in for tokens makes one.' : keysTable(keys))
}

function keysTable(keys: readonly KeyDescription[]): string {
  const rows = keys.map((key) => [key.kid, key.algorithm, key.createdAt.toISOString(), stateOf(key)])
  return table(['KEY', 'ALGORITHM', 'MADE', 'STATE'], rows)
}

/** A new key signs a few seconds after it was made. */
function stateOf({ signs, endsAt }: KeyDescription): string {
  const until = endsAt === undefined ? '' : `accepted until ${endsAt.toISOString()}`
  if (signs) return until === '' ? 'signs' : `signs, ${until}`
  return until === '' ? 'signs in a few seconds' : until
}

function shown({ kid, algorithm, createdAt, signs, endsAt }: KeyDescription): object {
  return { kid, algorithm, created_at: createdAt, signs, ends_at: endsAt ?? null }
}

/** What the old key signed is good until it expires. */
export async function rotateKey({ json }: KeysFlags): Promise<void> {
  const [made] = await withAuth('keys rotate', async ({ keys, audit }) => {
    await keys.rotate()
    const list = await keys.list()
    await audit.record({ action: 'signing_key.replaced', details: { key: list[0]?.kid } })
    return list
  })
  if (json === true) printJson(made === undefined ? null : shown(made))
  else print(`Made the key ${made?.kid}, which signs in a few seconds. What the one before it signed is good until it expires.`)
}

export async function endKey(kid: string, { json }: KeysFlags): Promise<void> {
  if (!(await withAuth('keys end', (auth) => end(auth, kid)))) throw new CommandFailure(`There is no key "${kid}".`)
  if (json === true) printJson({ kid, ended: true })
  else
    print(
      `Ended the key ${kid}: within a second every process refuses what it signed, and within a minute whoever verifies by the public keys.`,
    )
}

async function end({ keys, audit }: Auth, kid: string): Promise<boolean> {
  const ended = await keys.end(kid)
  if (ended) await audit.record({ action: 'signing_key.ended', details: { key: kid } })
  return ended
}
