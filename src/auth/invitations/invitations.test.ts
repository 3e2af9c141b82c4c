import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accountBed, type AccountBed, type AccountProcess, tokenIn } from '../../../test/support/account-bed.ts'
import { testDatabases } from '../../../test/support/postgres.ts'
import { until } from '../../../test/support/redis.ts'
import { anonymousCaller } from '../../core/caller.ts'
import { runInContext } from '../../core/context.ts'
import { demandLiving } from '../accounts/living-session.ts'
import { checkSignIn } from '../accounts/sign-in.ts'
import type { InvitationData, Invitations } from './invitations.ts'

const password = 'correct horse battery'
let number = 0
const origin = () => ({ address: `10.2.${++number >> 8}.${number & 255}`, agent: 'test' })

describe.each(testDatabases())('invitations on $name', ({ url }) => {
  let bed: AccountBed
  let process: AccountProcess
  let invitations: Invitations
  const accepted: { readonly user: string; readonly data: InvitationData; readonly by: string | undefined }[] = []
  let refuses = false

  beforeAll(async () => {
    bed = await accountBed(url)
    process = await bed.process({
      roles: { editor: ['articles.write'] },
      async invitationAccepted({ id }, data, { by }) {
        if (refuses) throw new Error('the organization is full')
        accepted.push({ user: id, data, by })
      },
    })
    ;({ invitations } = process.auth.ways)
  })
  afterAll(() => bed.close())

  async function invited(email: string, more: { roles?: string[]; data?: InvitationData; by?: string } = {}): Promise<string> {
    await invitations.send({ email, ...more })
    const mail = () => process.mails.find(({ to, subject }) => to === email && subject === 'You are invited to shop')
    await until(mail)
    return tokenIn(mail())
  }
  const signIn = (email: string, secret = password) =>
    checkSignIn(process.auth.parts, { email, password: secret, device: undefined }, origin())
  const linkIsOver = { code: 'AUTH_INVALID_LINK', status: 400 }

  test('who is invited and has no account gets one, confirmed, with what was promised, once', async () => {
    const token = await invited('ann@example.com', { roles: ['editor'], data: { organization: '42' } })
    expect(await invitations.look(token, origin())).toEqual({ email: 'ann@example.com', needsPassword: true })
    await expect(invitations.accept(token, {}, origin())).rejects.toMatchObject({ code: 'AUTH_PASSWORD_NEEDED', status: 422 })
    await expect(invitations.accept(token, { password: 'password' }, origin())).rejects.toMatchObject({ code: 'AUTH_WEAK_PASSWORD' })
    const user = await invitations.accept(token, { password, own: { display_name: 'Ann' } }, origin())
    expect(user).toMatchObject({ id: expect.any(String), email: 'ann@example.com', verified: true, disabled: false })
    expect(accepted.at(-1)).toEqual({ user: user.id, data: { organization: '42' }, by: undefined })
    expect(await process.auth.accounts.member(user.id)).toMatchObject({ roles: ['editor'], permissions: ['articles.write'] })
    const given = `SELECT details->>'role' AS role FROM plinth.audit WHERE action = 'role.granted' AND subject = $1`
    expect(await process.db.query(given, [user.id])).toEqual([{ role: 'editor' }])
    expect((await signIn('ann@example.com')).id).toBe(user.id)
    await expect(invitations.accept(token, { password }, origin())).rejects.toMatchObject(linkIsOver)
    await expect(invitations.look(token, origin())).rejects.toMatchObject(linkIsOver)
  })

  test('who has an account keeps it and its password', async () => {
    const id = await process.auth.accounts.create({ email: 'bob@example.com', password })
    const token = await invited('bob@example.com', { roles: ['editor'] })
    expect(await invitations.look(token, origin())).toEqual({ email: 'bob@example.com', needsPassword: false })
    expect((await invitations.accept(token, { password: 'another horse battery' }, origin())).id).toBe(id)
    expect((await signIn('bob@example.com')).id).toBe(id)
    await expect(signIn('bob@example.com', 'another horse battery')).rejects.toMatchObject({ code: 'AUTH_WRONG_CREDENTIALS' })
  })

  test('who has made an account with the address of somebody else loses it when that one accepts', async () => {
    const id = await process.auth.accounts.create({ email: 'cid@example.com', password: 'password of the thief', verified: false })
    const { apiKeys } = process.auth.ways
    const { key } = await apiKeys.create({ owner: { kind: 'user', id }, name: 'x', scopes: undefined })
    const { session } = await process.auth.parts.sessions.create({ user: id })
    const token = await invited('cid@example.com', { roles: ['editor'] })
    await expect(invitations.accept(token, {}, origin())).rejects.toMatchObject({ code: 'AUTH_PASSWORD_NEEDED' })
    expect((await invitations.accept(token, { password }, origin())).id).toBe(id)
    await expect(signIn('cid@example.com', 'password of the thief')).rejects.toMatchObject({ code: 'AUTH_WRONG_CREDENTIALS' })
    await expect(apiKeys.verify(key)).rejects.toMatchObject({ code: 'AUTH_INVALID_TOKEN' })
    expect(await process.auth.parts.sessions.getByHandle(session.handle)).toBeUndefined()
    expect((await signIn('cid@example.com')).id).toBe(id)
  })

  test('a key that such a one is just making is over as well', async () => {
    const { db, auth } = process
    const { parts, ways } = auth
    const id = await auth.accounts.create({ email: 'mel@example.com', password: 'password of the thief', verified: false })
    const { session } = await parts.sessions.create({ user: id })
    const token = await invited('mel@example.com')
    const made = Promise.withResolvers<string>()
    const held = Promise.withResolvers<void>()
    // As `POST /auth/keys`: whoever accepts waits for its transaction.
    const making = db.transaction(async () => {
      await demandLiving(db, id, session.handle)
      made.resolve((await ways.apiKeys.create({ owner: { kind: 'user', id }, name: 'x', scopes: undefined })).key)
      await held.promise
    })
    const key = await made.promise
    const accepted = invitations.accept(token, { password }, origin())
    const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    await until(async () => (await db.query(waiting)).length > 0).finally(held.resolve)
    await making
    await accepted
    await expect(ways.apiKeys.verify(key)).rejects.toMatchObject({ code: 'AUTH_INVALID_TOKEN' })
  })

  test('it ends when whoever has sent it is disabled or deleted', async () => {
    const { accounts } = process.auth
    const by = await accounts.create({ email: 'host@example.com', password })
    const token = await invited('guest@example.com', { by })
    expect((await invitations.look(token, origin())).email).toBe('guest@example.com')
    await accounts.disable(by)
    await expect(invitations.look(token, origin())).rejects.toMatchObject(linkIsOver)
    await expect(invitations.accept(token, { password }, origin())).rejects.toMatchObject(linkIsOver)
    await accounts.enable(by)
    await invitations.accept(token, { password }, origin())
    expect(accepted.at(-1)?.by).toBe(by)
    const other = await invited('guests@example.com', { by })
    await process.db.query('DELETE FROM users WHERE id = $1::uuid', [by])
    await expect(invitations.accept(other, { password }, origin())).rejects.toMatchObject(linkIsOver)
  })

  test('an address looks at a hundred links in a quarter of an hour', async () => {
    const from = origin()
    const look = () => invitations.look('x', from).catch(({ code }: { code: string }) => code)
    for (let n = 0; n < 100; n += 1) expect(await look()).toBe('AUTH_INVALID_LINK')
    expect(await look()).toBe('AUTH_TOO_MANY_TRIES')
    await expect(invitations.accept('x', { password }, from)).rejects.toMatchObject({ code: 'AUTH_TOO_MANY_TRIES' })
  })

  test('whoever asks sends thirty in an hour, and so does an address; code that serves nobody sends more', async () => {
    let mails = 0
    const send = async (address: string, by?: string) => {
      const context = { requestId: 'r', address, caller: anonymousCaller, startedAt: 0, deadline: Infinity }
      const sending = runInContext(context, () => invitations.send({ email: `ivo-${++mails}@example.com`, ...(by && { by }) }))
      return sending.catch(({ code }: { code: string }) => code)
    }
    for (let n = 0; n < 30; n += 1) expect(await send(`10.3.0.${n}`, 'jon')).toBeUndefined()
    expect(await send('10.3.1.1', 'jon')).toBe('AUTH_TOO_MANY_TRIES')
    for (let n = 0; n < 30; n += 1) expect(await send('10.3.2.1')).toBeUndefined()
    expect(await send('10.3.2.1', 'kim')).toBe('AUTH_TOO_MANY_TRIES')
    await invitations.send({ email: 'ivo@example.com', by: 'jon' })
  })

  test('whoever accepts one has used the others that promise the same, whoever sent them, and can still accept what is another', async () => {
    const email = 'ida@example.com'
    const by = await process.auth.accounts.create({ email: 'ina@example.com', password })
    const promises = [{ data: { organization: '1' } }, { data: { organization: '1' }, by }, { data: { organization: '2' } }]
    const mails = () => process.mails.filter(({ to }) => to === email)
    for (const [before, promise] of promises.entries()) {
      await invitations.send({ email, ...promise })
      await until(() => mails().length > before)
    }
    const [other = '', twin = '', first = ''] = mails().map(tokenIn)
    await invitations.accept(first, { password }, origin())
    await expect(invitations.accept(twin, {}, origin())).rejects.toMatchObject(linkIsOver)
    await invitations.accept(other, {}, origin())
    expect(accepted.at(-1)?.data).toEqual({ organization: '2' })
  })

  test('of ten that accept the same one at once, one does', async () => {
    const token = await invited('dan@example.com')
    const all = await Promise.allSettled(Array.from({ length: 10 }, () => invitations.accept(token, { password }, origin())))
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  test('when the application refuses nothing has happened, and the link is still good', async () => {
    const token = await invited('eve@example.com', { roles: ['editor'] })
    refuses = true
    await expect(invitations.accept(token, { password }, origin())).rejects.toThrow('full')
    refuses = false
    expect(await process.auth.accounts.findByEmail('eve@example.com')).toBeUndefined()
    expect((await invitations.accept(token, { password }, origin())).email).toBe('eve@example.com')
  })

  test('it ends when it is revoked, after a week, and for a user who was disabled; a link of another kind is none', async () => {
    const revoked = await invited('fay@example.com')
    expect(await invitations.revoke('Fay@example.com')).toBe(1)
    const late = await invited('gus@example.com')
    await process.db.query(`UPDATE plinth.one_time_tokens SET expires_at = now() WHERE data->>'email' = 'gus@example.com'`)
    await process.auth.accounts.disable(await process.auth.accounts.create({ email: 'hal@example.com', password }))
    const disabled = await invited('hal@example.com')
    for (const token of [revoked, late, disabled, 'x', ''])
      await expect(invitations.accept(token, { password }, origin())).rejects.toMatchObject(linkIsOver)
    const [{ rows } = { rows: 0 }] = await process.db.query<{ rows: number }>(
      `SELECT count(*)::int AS rows FROM plinth.audit WHERE action ~ '^invitation'`,
    )
    expect(rows).toBeGreaterThan(5)
  })
})
