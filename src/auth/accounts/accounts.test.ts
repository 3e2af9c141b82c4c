import { pgTable, serial, uuid } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accountBed, type AccountBed, type AccountProcess, tokenIn, unconnected, users } from '../../../test/support/account-bed.ts'
import { testDatabases } from '../../../test/support/postgres.ts'
import { until } from '../../../test/support/redis.ts'
import { readTable } from '../../model/read-table.ts'
import { userColumns } from '../tables/user-columns.ts'
import { authErrors } from '../errors.ts'
import { changePassword, deleteAccount, requestEmailChange } from './change-account.ts'
import { normalEmail } from './email.ts'
import { ownValues } from './own-values.ts'
import { requestPasswordReset, resetPassword } from './reset-password.ts'
import { checkSignIn } from './sign-in.ts'
import { signUp, verifyEmail } from './sign-up.ts'

let number = 0
/** Every try from an address of its own: limits have tests of their own. */
const origin = () => ({ address: `10.1.${++number >> 8}.${number & 255}`, agent: 'test' })
const refused = (code: string) => expect.objectContaining({ code })

test.each([
  [
    'no users',
    { users: pgTable('users', { id: uuid().primaryKey() }) as never },
    'the table "users" has no email, email_verified_at, disabled_at',
  ],
  [
    'another key',
    { users: pgTable('people', { ...userColumns, id: uuid(), key: serial().primaryKey() }) as never },
    'the primary key of the table "people" must be "id"',
  ],
  ['unknown fields', { signUpFields: ['nickname'] }, 'signUpFields names nickname'],
  ['long tokens', { tokens: { lifetime: '1h' } }, 'tokens.lifetime is at most 10m'],
  ['no time', { session: { idle: 'forever' } }, 'session.idle is not a time'],
])('an application with %s is refused with AUTH_INVALID_SETUP', (_what, options, problem) => {
  const message = expect.stringContaining(problem)
  expect(() => unconnected(options)).toThrow(expect.objectContaining({ code: 'AUTH_INVALID_SETUP', message }))
})

test.each([
  '',
  'ann',
  'ann@',
  '@example.com',
  'ann@example',
  'an n@example.com',
  'ann@exam ple.com',
  'ann@example.com, bob@example.com',
  'ann@example.com\0',
  `${'a'.repeat(65)}@example.com`,
  'a\u202Enn@example.com',
])('%j is no address', (email) => {
  expect(() => normalEmail(email)).toThrow(refused('AUTH_INVALID_EMAIL'))
})

test('values of own columns are those that a write of the resource would take, and all that are wrong are told', () => {
  const fields = readTable(users).fields.filter(({ name }) => name === 'display_name' || name === 'disabled_at')
  expect(ownValues(fields, { display_name: 'Ann', disabled_at: null })).toEqual({ display_name: 'Ann', disabled_at: null })
  const details = [expect.objectContaining({ field: 'disabled_at' }), expect.objectContaining({ field: 'display_name' })]
  const wrong = expect.objectContaining({ code: 'AUTH_INVALID_SIGN_UP', details })
  expect(() => ownValues(fields, { display_name: 5, disabled_at: 'never' })).toThrow(wrong)
})

test('an address is the same however it is written', () => {
  expect(normalEmail(' ANN.Smith+shop@Exämple.COM\n')).toBe('ann.smith+shop@exämple.com')
  expect(normalEmail('ＡＮＮ@example.com')).toBe('ann@example.com')
})

describe.each(testDatabases())('with $name', ({ url }) => {
  let bed: AccountBed
  let process: AccountProcess
  beforeAll(async () => {
    bed = await accountBed(url)
    process = await bed.process({ roles: { editor: ['articles.write', 'articles.publish'], reader: [] } })
  })
  afterAll(() => bed.close())

  const parts = () => process.auth.parts
  const nextMail = async (to: string, subject: RegExp): Promise<string> => {
    const found = () => process.mails.find((mail) => mail.to === to && subject.test(mail.subject))
    await until(found)
    return tokenIn(found())
  }
  const signIn = (email: string, password: string) => checkSignIn(parts(), { email, password, device: undefined }, origin())
  const newUser = async (email: string, password = 'correct horse') => {
    const id = await process.auth.accounts.create({ email, password })
    return { id, email, verified: true, disabled: false, generation: '0' }
  }

  test('whoever signs up confirms the address by mail, once, and can then sign in', async () => {
    await signUp(parts(), { email: ' Ann@Example.com', password: 'correct horse', own: { display_name: 'Ann' } }, origin())
    await expect(signIn('ann@example.com', 'correct horse')).rejects.toEqual(refused('AUTH_EMAIL_NOT_VERIFIED'))
    const token = await nextMail('ann@example.com', /Confirm your address/)
    await expect(verifyEmail(parts(), `${token.slice(0, -1)}x`, origin())).rejects.toEqual(refused('AUTH_INVALID_LINK'))
    await verifyEmail(parts(), token, origin())
    await expect(verifyEmail(parts(), token, origin())).rejects.toEqual(refused('AUTH_INVALID_LINK'))
    expect(await signIn('ANN@example.com', 'correct horse')).toMatchObject({ email: 'ann@example.com', verified: true })
    const [row] = await process.db.query('select email, display_name from users where email = $1', ['ann@example.com'])
    expect(row).toEqual({ email: 'ann@example.com', display_name: 'Ann' })
  })

  test('a second sign-up with the address changes nothing, and its owner is told', async () => {
    await newUser('bea@example.com')
    await signUp(parts(), { email: 'bea@example.com', password: 'another horse', own: {} }, origin())
    expect(await nextMail('bea@example.com', /have an account/)).toBe('')
    await expect(signIn('bea@example.com', 'another horse')).rejects.toEqual(refused('AUTH_WRONG_CREDENTIALS'))
    expect(await signIn('bea@example.com', 'correct horse')).toMatchObject({ email: 'bea@example.com' })
  })

  test('wrong passwords and unknown addresses are refused alike', async () => {
    await newUser('cleo@example.com')
    const tries = [signIn('cleo@example.com', 'wrong horse'), signIn('nobody@example.com', 'wrong horse'), signIn('no address', 'x')]
    for (const { reason } of (await Promise.allSettled(tries)) as PromiseRejectedResult[]) expect(reason).toEqual(refusedLike)
  })

  test('a link to reset the password works once, ends the sessions, and ends the other links', async () => {
    const user = await newUser('dora@example.com')
    const { id } = await parts().sessions.create({ user: user.id })
    await requestPasswordReset(parts(), 'DORA@example.com', origin())
    const first = await nextMail('dora@example.com', /new password/)
    await requestPasswordReset(parts(), 'dora@example.com', origin())
    await until(() => process.mails.filter(({ to, subject }) => to === 'dora@example.com' && /Set a new/.test(subject)).length === 2)
    const second = await nextMail('dora@example.com', /new password/)
    expect(second).not.toBe(first)
    await expect(resetPassword(parts(), first, 'password', origin())).rejects.toEqual(refused('AUTH_WEAK_PASSWORD'))
    await resetPassword(parts(), first, 'battery staple', origin())
    for (const token of [first, second])
      await expect(resetPassword(parts(), token, 'third horse', origin())).rejects.toEqual(refused('AUTH_INVALID_LINK'))
    expect(await parts().sessions.get(id)).toBeUndefined()
    expect(await signIn('dora@example.com', 'battery staple')).toMatchObject({ id: user.id })
  })

  test('of two who use a link at once, one gets nothing', async () => {
    await newUser('eve@example.com')
    await requestPasswordReset(parts(), 'eve@example.com', origin())
    const token = await nextMail('eve@example.com', /new password/)
    const both = await Promise.allSettled(['battery staple', 'stable battery'].map((next) => resetPassword(parts(), token, next, origin())))
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  })

  test('a link for one thing is none for another', async () => {
    await signUp(parts(), { email: 'flo@example.com', password: 'correct horse', own: {} }, origin())
    const verifying = await nextMail('flo@example.com', /Confirm/)
    await expect(resetPassword(parts(), verifying, 'battery staple', origin())).rejects.toEqual(refused('AUTH_INVALID_LINK'))
    await requestPasswordReset(parts(), 'flo@example.com', origin())
    const resetting = await nextMail('flo@example.com', /new password/)
    await expect(verifyEmail(parts(), resetting, origin())).rejects.toEqual(refused('AUTH_INVALID_LINK'))
    await verifyEmail(parts(), verifying, origin())
    await resetPassword(parts(), resetting, 'battery staple', origin())
  })

  test('a change of the password wants the current one, and ends sessions and links', async () => {
    const user = await newUser('gil@example.com')
    const { id } = await parts().sessions.create({ user: user.id })
    await requestPasswordReset(parts(), 'gil@example.com', origin())
    const token = await nextMail('gil@example.com', /Set a new/)
    await expect(changePassword(parts(), user, 'wrong horse', 'battery staple', origin())).rejects.toEqual(refused('AUTH_WRONG_PASSWORD'))
    expect(await parts().sessions.get(id)).toBeDefined()
    await changePassword(parts(), user, 'correct horse', 'battery staple', origin())
    expect(await parts().sessions.get(id)).toBeUndefined()
    await expect(resetPassword(parts(), token, 'third horse', origin())).rejects.toEqual(refused('AUTH_INVALID_LINK'))
  })

  test('another address counts when its owner has opened the link, and the old one is told', async () => {
    const user = await newUser('hal@example.com')
    await requestEmailChange(parts(), user, 'correct horse', 'hal@other.example', origin())
    expect(await signIn('hal@example.com', 'correct horse')).toMatchObject({ id: user.id })
    await verifyEmail(parts(), await nextMail('hal@other.example', /new address/), origin())
    expect(await signIn('hal@other.example', 'correct horse')).toMatchObject({ id: user.id })
    await expect(signIn('hal@example.com', 'correct horse')).rejects.toEqual(refused('AUTH_WRONG_CREDENTIALS'))
    await nextMail('hal@example.com', /its address was changed/)
  })

  test('links of before a change of the address are good for nothing after it', async () => {
    const user = await newUser('uma@example.com')
    await requestPasswordReset(parts(), 'uma@example.com', origin())
    const reset = await nextMail('uma@example.com', /Set a new/)
    await requestEmailChange(parts(), user, 'correct horse', 'uma@third.example', origin())
    const other = await nextMail('uma@third.example', /new address/)
    await requestEmailChange(parts(), user, 'correct horse', 'uma@other.example', origin())
    await verifyEmail(parts(), await nextMail('uma@other.example', /new address/), origin())
    await expect(resetPassword(parts(), reset, 'battery staple', origin())).rejects.toEqual(refused('AUTH_INVALID_LINK'))
    await expect(verifyEmail(parts(), other, origin())).rejects.toEqual(refused('AUTH_INVALID_LINK'))
  })

  test('a link to reset the password is for the address it was sent to, also when that was changed by hand', async () => {
    const user = await newUser('vic@example.com')
    await requestPasswordReset(parts(), 'vic@example.com', origin())
    const reset = await nextMail('vic@example.com', /Set a new/)
    await process.db.query(`update users set email = 'vic@other.example' where id = $1::uuid`, [user.id])
    await expect(resetPassword(parts(), reset, 'battery staple', origin())).rejects.toEqual(refused('AUTH_INVALID_LINK'))
  })

  test('the address of somebody else cannot be taken, and who asks is not told', async () => {
    const user = await newUser('ida@example.com')
    await newUser('jon@example.com')
    await requestEmailChange(parts(), user, 'correct horse', 'jon@example.com', origin())
    await nextMail('ida@example.com', /asked to change/)
    expect(process.mails.filter(({ to }) => to === 'jon@example.com')).toEqual([])
    await expect(process.auth.accounts.create({ email: 'Jon@example.com', password: 'correct horse' })).rejects.toEqual(
      refused('AUTH_EMAIL_TAKEN'),
    )
  })

  test('a deleted account leaves nothing behind that anybody could sign in with', async () => {
    const user = await newUser('kim@example.com')
    await process.auth.accounts.grant(user.id, 'editor')
    await parts().sessions.create({ user: user.id })
    await requestPasswordReset(parts(), 'kim@example.com', origin())
    await deleteAccount(parts(), user, 'correct horse', origin())
    const left = await process.db.query(
      `select 1 from users where id = $1::uuid union all select 2 from plinth.credentials where user_id = $1::text union all
       select 3 from plinth.sessions where user_id = $1::text union all select 4 from plinth.one_time_tokens where user_id = $1::text
       union all select 5 from user_roles where user_id = $1::uuid`,
      [user.id],
    )
    expect(left).toEqual([])
  })

  test('whatever has a password hashed or checked waits in line with the address of who asks', async () => {
    const { passwords } = parts()
    const asked: (string | undefined)[] = []
    const { hash, verify } = passwords
    passwords.hash = (password, asker) => (asked.push(asker?.address), hash.call(passwords, password, asker))
    passwords.verify = (password, phc, asker) => (asked.push(asker?.address), verify.call(passwords, password, phc, asker))
    const from = { address: '10.77.0.1', agent: undefined }
    const email = 'lou@example.com'
    await signUp(parts(), { email, password: 'correct horse', own: {} }, from)
    await verifyEmail(parts(), await nextMail(email, /Confirm/), from)
    await requestPasswordReset(parts(), email, from)
    await resetPassword(parts(), await nextMail(email, /Set a new/), 'battery staple', from)
    const user = await checkSignIn(parts(), { email, password: 'battery staple', device: undefined }, from)
    await requestEmailChange(parts(), user, 'battery staple', 'lou@other.example', from)
    const changed = await changePassword(parts(), user, 'battery staple', 'correct horse', from)
    await deleteAccount(parts(), changed, 'correct horse', from)
    const { invitations } = process.auth.ways
    await invitations.send({ email: 'lou@third.example' })
    await invitations.accept(await nextMail('lou@third.example', /invited/), { password: 'correct horse' }, from)
    Object.assign(passwords, { hash, verify })
    expect(asked).toEqual(Array.from({ length: 8 }, () => '10.77.0.1'))
  })

  test('that a session is in use is looked at when it would be written, and not before', async () => {
    const { sessions } = parts()
    const touched: string[] = []
    const { touch } = sessions
    sessions.touch = async (id) => void touched.push(id)
    const { session } = await sessions.create({ user: 'nobody' })
    for (const seconds of [0, 45, 58, 62, 300])
      process.auth.signedIn.touch(String(seconds), { ...session, seenAt: new Date(Date.now() - seconds * 1_000) })
    sessions.touch = touch
    expect(touched).toEqual(['62', '300'])
  })

  test('a password that was hashed under another cost is hashed again when its owner signs in', async () => {
    const user = await newUser('leo@example.com')
    const dearer = await bed.process({}, { PASSWORD_PASSES: '2' })
    const kept = async () =>
      (await process.db.query<{ password: string }>('select password from plinth.credentials where user_id = $1', [user.id]))[0]?.password
    expect(await kept()).toContain('t=1,')
    const { passwords } = dearer.auth.parts
    const { hash } = passwords
    passwords.hash = () => Promise.reject(authErrors.BUSY())
    await checkSignIn(dearer.auth.parts, { email: user.email, password: 'correct horse', device: undefined }, origin())
    expect(await kept()).toContain('t=1,')
    passwords.hash = hash
    await checkSignIn(dearer.auth.parts, { email: user.email, password: 'correct horse', device: undefined }, origin())
    expect(await kept()).toContain('t=2,')
    await checkSignIn(dearer.auth.parts, { email: user.email, password: 'correct horse', device: undefined }, origin())
  })

  test('roles and their permissions are data, with those that code names made at the start', async () => {
    const user = await newUser('mia@example.com')
    const { accounts } = process.auth
    expect(await accounts.grant(user.id, 'editor')).toBe(true)
    expect(await accounts.grant(user.id, 'editor')).toBe(false)
    await accounts.grant(user.id, 'reader')
    expect(await process.auth.loadCaller(user.id)).toEqual({
      kind: 'user',
      id: user.id,
      roles: ['editor', 'reader'],
      permissions: ['articles.publish', 'articles.write'],
      scopes: undefined,
      tenant: undefined,
      credential: undefined,
    })
    await expect(accounts.grant(user.id, 'emperor')).rejects.toEqual(refused('AUTH_UNKNOWN_ROLE'))
    expect(await accounts.revoke(user.id, 'reader')).toBe(true)
    expect((await process.auth.loadCaller(user.id))?.roles).toEqual(['editor'])
  })

  test('what somebody took from a role that code names stays away when the application starts again', async () => {
    await process.db.query(
      `delete from role_permissions where permission_id = (select id from permissions where name = 'articles.publish')`,
    )
    const again = await bed.process({ roles: { editor: ['articles.write', 'articles.publish'], author: ['articles.write'] } })
    const user = await newUser('ned@example.com')
    await again.auth.accounts.grant(user.id, 'editor')
    expect((await again.auth.loadCaller(user.id))?.permissions).toEqual(['articles.write'])
  })

  test('a change of a role by hand is known in every process within a second, and so is a user who was disabled', async () => {
    const user = await newUser('oli@example.com')
    const other = await bed.process()
    const seen = async () => (await other.auth.loadCaller(user.id))?.roles
    await until(async () => (await seen())?.length === 0)
    // Copies are in use: the version of the tables is known.
    for (let i = 0; i < 20; i += 1) await seen()
    await process.db.query(`insert into user_roles select $1::uuid, id from roles where name = 'editor'`, [user.id])
    await until(async () => (await seen())?.[0] === 'editor', 1_000)
    await process.db.query('update users set disabled_at = now() where id = $1::uuid', [user.id])
    await until(async () => (await seen()) === undefined, 1_000)
    expect(await seen()).toBeUndefined()
  })

  test('in its own process a change is known at once', async () => {
    const user = await newUser('pia@example.com')
    const roles = async () => (await process.auth.loadCaller(user.id))?.roles
    expect(await roles()).toEqual([])
    // From memory from here on.
    await until(async () => (await roles()) && process.auth.parts.members.near(user.id))
    await process.auth.accounts.grant(user.id, 'reader')
    expect(await roles()).toEqual(['reader'])
    await process.auth.accounts.disable(user.id)
    expect(await roles()).toBeUndefined()
    await process.auth.accounts.enable(user.id)
    expect(await roles()).toEqual(['reader'])
  })

  test('what happens to accounts is in the audit, by whom and from where, and is not changed afterwards', async () => {
    const user = await newUser('quin@example.com')
    await signIn('quin@example.com', 'wrong horse').catch(() => undefined)
    await process.auth.accounts.grant(user.id, 'reader')
    await process.db.transaction(() => parts().audit.record({ action: 'sign_out', actor: user.id, address: 'fe80::1%eth0' }))
    await parts().audit.record({ action: 'link.refused', actor: 'quin', address: 'no address' })
    const rows = await process.db.query(
      'select action, host(address) is not null as address, details from plinth.audit where subject = $1 order by id',
      [user.id],
    )
    expect(rows).toEqual([
      { action: 'account.created', address: false, details: {} },
      { action: 'sign_in.failed', address: true, details: {} },
      { action: 'role.granted', address: false, details: { role: 'reader' } },
      { action: 'sign_out', address: true, details: {} },
    ])
    await expect(process.db.query(`update plinth.audit set actor = 'me'`)).rejects.toThrow()
  })

  test('a link that comes a second time is written down and logged, with the address it came from', async () => {
    await newUser('tom@example.com')
    await requestPasswordReset(parts(), 'tom@example.com', origin())
    const token = await nextMail('tom@example.com', /Set a new/)
    await resetPassword(parts(), token, 'battery staple', origin())
    const before = process.log.filter((line) => line.includes('security: link.refused')).length
    await expect(resetPassword(parts(), token, 'third horse', { address: '10.77.0.1', agent: undefined })).rejects.toEqual(
      refused('AUTH_INVALID_LINK'),
    )
    const [row] = await process.db.query(
      `select host(address) as address from plinth.audit where action = 'link.refused' order by id desc limit 1`,
    )
    expect(row).toEqual({ address: '10.77.0.1' })
    expect(process.log.filter((line) => line.includes('security: link.refused'))).toHaveLength(before + 1)
  })

  test('who was disabled is told so with the right password, and with a wrong one what everybody is told', async () => {
    const user = await newUser('sam@example.com')
    await process.auth.accounts.disable(user.id)
    await expect(signIn('sam@example.com', 'correct horse')).rejects.toEqual(refused('AUTH_DISABLED'))
    await expect(signIn('sam@example.com', 'wrong horse')).rejects.toEqual(refusedLike)
    await requestPasswordReset(parts(), 'sam@example.com', origin())
    expect(process.mails.filter(({ to }) => to === 'sam@example.com')).toEqual([])
  })

  test('neither log nor tables hold a password or a token', async () => {
    const canary = 'canary-horse-7391'
    await signUp(parts(), { email: 'rex@example.com', password: canary, own: {} }, origin())
    const token = await nextMail('rex@example.com', /Confirm/)
    await verifyEmail(parts(), token, origin())
    await signIn('rex@example.com', canary)
    const [dump] = await process.db.query<{ all: string }>(
      `select concat((select json_agg(t) from users t), (select json_agg(t) from plinth.credentials t), (select json_agg(t) from plinth.one_time_tokens t), (select json_agg(t) from plinth.audit t)) as all`,
    )
    expect(dump?.all).toContain('rex@example.com')
    for (const secret of [canary, token]) {
      expect(dump?.all).not.toContain(secret)
      expect(process.log.join('')).not.toContain(secret)
    }
    expect(process.log.join('')).toContain('sign_in.failed')
  })
})

const refusedLike = expect.objectContaining({
  code: 'AUTH_WRONG_CREDENTIALS',
  status: 401,
  message: 'The e-mail address or the password is wrong.',
})
