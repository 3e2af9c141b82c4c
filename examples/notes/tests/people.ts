// People who use the application as anybody does: by HTTP, with the mails that they get.

import type { TestApp, TestReply } from 'plinth/testing'

const password = 'correct horse battery'

export interface Person {
  readonly email: string
  /** Key of the user. */
  readonly id: string
  get(path: string): Promise<TestReply>
  post(path: string, body?: unknown): Promise<TestReply>
  put(path: string, body: unknown): Promise<TestReply>
  patch(path: string, body: unknown): Promise<TestReply>
  delete(path: string): Promise<TestReply>
  /** The same person in this organization. */
  in(organization: string): Person
  /** A program of that person, with a key that has these scopes alone. */
  program(...scopes: string[]): Promise<Person>
}

/** Makes an account, confirms its address with the mail, and signs in. */
export async function signUp(app: TestApp, email: string): Promise<Person> {
  await app.post('/auth/sign-up', { email, password })
  await app.post('/auth/verify-email', { token: await tokenFor(app, email, 'verify-email') })
  return signIn(app, email)
}

/** Takes an invitation that was mailed to this address, making an account where there is none, and signs in. */
export async function acceptInvitation(app: TestApp, email: string): Promise<Person> {
  await openInvitation(app, email)
  return signIn(app, email)
}

/** Opens the link of an invitation that was mailed to this address. */
export async function openInvitation(app: TestApp, email: string): Promise<TestReply> {
  return app.post('/auth/accept-invitation', { token: await tokenFor(app, email, 'accept-invitation'), password })
}

async function signIn(app: TestApp, email: string): Promise<Person> {
  const { body } = await app.post('/auth/sign-in', { email, password, mode: 'token' })
  return person(app, email, body.data.user.id, { authorization: `Bearer ${body.data.access_token}` })
}

function person(app: TestApp, email: string, id: string, headers: Record<string, string>): Person {
  return {
    email,
    id,
    get: (path) => app.get(path, headers),
    post: (path, body) => app.post(path, body, headers),
    put: (path, body) => app.put(path, body, headers),
    patch: (path, body) => app.patch(path, body, headers),
    delete: (path) => app.delete(path, undefined, headers),
    in: (organization) => person(app, email, id, { ...headers, 'x-tenant': organization }),
    async program(...scopes) {
      const { body } = await app.post('/auth/keys', { name: 'program', scopes }, headers)
      return person(app, email, id, { authorization: `Bearer ${body.data.key}` })
    },
  }
}

const usedTokens = new Set<string>()

/** Out of a mail to this address whose link leads to this page, and was not opened yet. Mails arrive a moment after the answer. */
async function tokenFor(app: TestApp, email: string, page: string): Promise<string> {
  for (;;) {
    const mails = (await app.get('/dev/mail')).text.split('<article>').filter((mail) => mail.includes(`<p>${email},`))
    const tokens = mails.flatMap((mail) => new RegExp(`/${page}#token=([\\w-]+)`).exec(mail)?.[1] ?? [])
    const token = tokens.find((one) => !usedTokens.has(one))
    if (token !== undefined) {
      usedTokens.add(token)
      return token
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
