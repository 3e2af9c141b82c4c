// Asks the running application of this folder. What is sent is signed with the secret that both read.

import { cacheDeskPath, type CacheRequest, tokenText } from '../app/cache-desk.ts'
import type { ErrorDetail } from '../core/errors.ts'
import { operatorToken } from '../core/operator-token.ts'
import type { LoadedApp } from './load-app.ts'
import { CommandFailure } from './output.ts'

/** A cache of millions of entries takes Redis seconds to clear. */
const patienceMs = 60_000

/**
 * @param url  of the application; undefined: on this machine, at its port
 * @throws     CommandFailure when it does not answer, or refuses
 */
export async function askCache<answer>({ config }: LoadedApp, request: CacheRequest, url = addressOf(config.api)): Promise<answer> {
  const reply = await send(new URL(cacheDeskPath, url), request, operatorToken(config.secrets.secretKey, tokenText(request)))
  if (reply.ok) return (await reply.json()) as answer
  if (reply.status === 404)
    throw new CommandFailure(`What runs at ${url} is another application, has another SECRET_KEY, or caches nothing.`)
  throw new CommandFailure(await refusalIn(reply))
}

async function send(address: URL, request: CacheRequest, token: string): Promise<Response> {
  const headers = { 'content-type': 'application/json', authorization: `Operator ${token}` }
  const signal = AbortSignal.timeout(patienceMs)
  try {
    return await fetch(address, { method: 'POST', headers, body: JSON.stringify(request), signal })
  } catch (error) {
    throw new CommandFailure(`No application answers at ${address.origin}. Start it, or say where it runs: --url http://host:port`, {
      cause: error,
    })
  }
}

async function refusalIn(reply: Response): Promise<string> {
  const text = await reply.text()
  try {
    const { message, hint, details = [] } = JSON.parse(text) as ErrorDetail & { readonly details?: readonly ErrorDetail[] }
    const lines = details.map((detail) => `  - ${detail.field === undefined ? '' : `${detail.field}: `}${detail.message}`)
    return [message, ...lines, ...(hint === undefined ? [] : [hint])].join('\n')
  } catch {
    return `The application answered ${reply.status}: ${text.slice(0, 200)}`
  }
}

/** A server that listens on every address is here, too. */
function addressOf({ host, port }: LoadedApp['config']['api']): string {
  const own = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${own.includes(':') ? `[${own}]` : own}:${port}`
}
