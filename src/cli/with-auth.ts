// Commands about users and keys: they connect to the database, and need no application that runs.

import { createApp } from '../app/create.ts'
import type { Auth } from '../auth/create-auth.ts'
import { loadApp } from './load-app.ts'
import { note, UsageError } from './output.ts'

/** @param command  for the audit: no request is the cause of what it does @throws UsageError when the application has no users */
export async function withAuth<result>(command: string, work: (auth: Auth) => Promise<result>): Promise<result> {
  const { definition, config } = await loadApp()
  if (definition.options.auth === undefined)
    throw new UsageError('Nobody signs in to this application. Say who: defineApp({ auth: { users } })')
  const app = await createApp(definition, { ...config, log: { ...config.log, level: 'error' } })
  try {
    const auth = app.auth as Auth
    auth.audit.addToAll({ command })
    return await work(auth)
  } finally {
    await app.stop()
    if (app.mail.lost > 0) sayLost()
  }
}

function sayLost(): void {
  note('The change was made, and a mail about it was not sent: the server that MAIL_URL names did not take it.')
  process.exitCode = 1
}
