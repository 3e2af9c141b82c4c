// Plinth as it runs in production, with users who are signed in: how, is written into a file for whoever asks. The command line names the
// application.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type App, createApp } from 'plinth'
import { productionConfig } from '../../production.ts'
import { ready, settings } from '../../servers/serve.ts'
import { accessApp, isAppName } from '../app.ts'
import { askingUsers, type Credentials, credentialsFile, password } from '../users.ts'

const { folder } = settings()
const name = process.argv[5] ?? ''
if (!isAppName(name)) throw new Error(`There is no application "${name}".`)
const config = productionConfig({
  MAIL_URL: 'smtp://127.0.0.1:9',
  MAIL_FROM: 'bench@example.com',
  TRUSTED_PROXIES: '127.0.0.1',
  // A measurement goes on also while the machine does other things.
  LOOP_DELAY_LIMIT: '1m',
})
const app = await createApp(accessApp(name), config)
await app.start()
writeFileSync(join(folder, credentialsFile), JSON.stringify(await users(app)))
ready()

async function users({ auth }: App): Promise<Credentials[]> {
  if (auth === undefined) throw new Error('The application says auth.')
  const found: Credentials[] = []
  for (let nth = 1; nth <= askingUsers; nth += 1) {
    const email = `user${nth}@example.com`
    const id = await auth.accounts.create({ email, password })
    await auth.accounts.grant(id, 'writer')
    const user = await auth.accounts.find(id)
    if (user === undefined) throw new Error(`${email} is not there.`)
    const session = await auth.signedIn.open(user, { address: '127.0.0.1', agent: undefined })
    const tokens = await auth.signedIn.openTokens(user, { address: '127.0.0.1', agent: undefined })
    found.push({ email, organization: nth, token: tokens.access_token, cookie: `__Host-session=${session.id}` })
  }
  return found
}
