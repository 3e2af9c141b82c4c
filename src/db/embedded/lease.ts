// Who uses the server: each process holds one session with a shared advisory lock. The last to leave gets the lock for
// itself and stops the server; PostgreSQL gives up the locks of a process that was killed. No files, no races.

import { Client } from 'pg'

/** `pg`'s client can let the process end while it is connected; its types do not say so. */
interface QuietClient extends Client {
  ref(): void
  unref(): void
}

/** Any number that nobody else would use on the database `postgres`: "PLINTH" as bytes. */
const key = 0x504c494e5448

export class Lease {
  readonly version: string
  readonly #client: QuietClient

  private constructor(client: QuietClient, version: string) {
    this.#client = client
    this.version = version
  }

  /**
   * Registers this process. Undefined while the server cannot be used: it is starting, or its last user is stopping it.
   *
   * @throws `pg`'s error when the server refuses for good (password, too many connections)
   */
  static async take(url: string, onLost: () => void): Promise<Lease | undefined> {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000, application_name: 'plinth lease' }) as QuietClient
    client.on('error', () => undefined) // `end` follows, and is what counts.
    try {
      await client.connect()
      const { rows } = await client.query('select pg_try_advisory_lock_shared($1) as taken, current_setting($2) as version', [
        key,
        'server_version',
      ])
      if (rows[0].taken !== true) return await client.end().then(() => undefined)
      client.once('end', onLost)
      client.unref()
      return new Lease(client, rows[0].version.split(' ')[0])
    } catch (error) {
      await client.end().catch(() => undefined)
      if (isPassing(error)) return undefined
      throw error
    }
  }

  /** Gives the lease up. True when nobody else has one: from now on nobody gets one, and the server may be stopped. */
  async release(): Promise<boolean> {
    this.#client.removeAllListeners('end')
    this.#client.ref()
    await this.#client.query('select pg_advisory_unlock_shared($1)', [key])
    const { rows } = await this.#client.query('select pg_try_advisory_lock($1) as alone', [key])
    return rows[0].alone === true
  }

  async close(): Promise<void> {
    await this.#client.end()
  }
}

/** No answer at all, or one of the server's "not now": 57P01 shutdown, 57P02 crash, 57P03 starting. */
function isPassing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  return code === undefined || code.startsWith('57P') || code.startsWith('E')
}
