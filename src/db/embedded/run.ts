// Runs one short program, perhaps as another user. Its surroundings are ours alone, so that no PGDATA of a shell gets in.

import { execFile } from 'node:child_process'

/** Whom PostgreSQL runs as; empty: ourselves. PostgreSQL refuses to run as root. */
export interface ServerUser {
  readonly uid?: number
  readonly gid?: number
}

export interface RunResult {
  readonly ok: boolean
  readonly stdout: string
  /** What the program complained about, or why it could not be started. */
  readonly stderr: string
}

/** English messages, because we look for some of them. */
export const cleanEnvironment: Readonly<Record<string, string>> = { LC_ALL: 'C', TZ: 'UTC' }

/** Never throws: a program that is not there is a result like any other. `env: 'ours'` passes our environment on. */
export function run(
  file: string,
  args: readonly string[],
  { user = {}, timeoutMs = 60_000, env = 'clean' }: { user?: ServerUser; timeoutMs?: number; env?: 'clean' | 'ours' } = {},
): Promise<RunResult> {
  const surroundings = env === 'clean' ? { env: { ...cleanEnvironment } } : {}
  return new Promise((resolve) => {
    const options = { cwd: '/', timeout: timeoutMs, encoding: 'utf8', ...surroundings, ...user } as const
    try {
      execFile(file, args, options, (error, stdout, stderr) =>
        resolve({ ok: error === null, stdout, stderr: stderr.trim() || (error?.message ?? '') }),
      )
    } catch (error) {
      // A uid that we may not become is thrown, not reported.
      resolve({ ok: false, stdout: '', stderr: String(error) })
    }
  })
}
