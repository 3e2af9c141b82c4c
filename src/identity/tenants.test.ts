// The one tenant that a request acts in: by its header, its session, its key, or because there is only one.

import { setTimeout as sleep } from 'node:timers/promises'
import { defineResource, signedIn } from 'plinth'
import type { AuthOptions } from 'plinth/auth'
import { drizzleOn } from 'plinth/db'
import { createApp } from '../app/create.ts'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { tokenIn } from '../../test/support/account-bed.ts'
import { bearer, Browser, mailTo, password, samePage, tokensOf } from '../../test/support/identity-app.ts'
import { compileDocument } from '../../test/support/openapi.ts'
import { testDatabases } from '../../test/support/postgres.ts'
import { memberships, organizations, tenantApp, type TenantApp } from '../../test/support/tenant-app.ts'

const joinInvited: AuthOptions['invitationAccepted'] = async ({ id }, { organization }, { db }) => {
  await drizzleOn(db)
    .insert(memberships)
    .values({ user_id: id, organization_id: String(organization) })
}
const nobodys = '00000000-0000-4000-8000-000000000000'

describe.each(testDatabases())('with $name', ({ url }) => {
  let app: TenantApp
  let acme: string
  let bolt: string
  let cord: string
  beforeAll(async () => {
    app = await tenantApp(url)
    ;[acme, bolt, cord] = [await app.organization('Acme'), await app.organization('Bolt'), await app.organization('Cord')]
  })
  afterAll(() => app.close())

  const named = (tenant: string) => ({ 'x-tenant': tenant })
  const who = async (headers: Record<string, string>) => (await app.get('/who', headers)).body.tenant
  const program = async (email: string) => bearer((await tokensOf(app, email)).access_token)

  test('who belongs to one tenant acts in it, who belongs to several names one, and who belongs to none acts in none', async () => {
    await app.user('ann@example.com', acme)
    await app.user('bob@example.com', acme, bolt)
    await app.user('cid@example.com')
    const [ann, bob, cid] = [await program('ann@example.com'), await program('bob@example.com'), await program('cid@example.com')]
    expect(await Promise.all([who(ann), who(bob), who(cid), who({})])).toEqual([acme, null, null, null])
    expect(await who({ ...bob, ...named(bolt) })).toBe(bolt)
    const browser = await new Browser(app).enter('bob@example.com')
    expect((await browser.send('GET', '/who', undefined, named(acme))).body.tenant).toBe(acme)
    // Nobody is held to a tenant, so what is open to anyone goes on being.
    expect((await app.get('/api/notes', named(nobodys))).status).toBe(200)
  })

  test('a tenant of others and one that there is not are refused alike, byte for byte', async () => {
    await app.user('dan@example.com', acme)
    const dan = await program('dan@example.com')
    const wrong = [bolt, nobodys, '', '*', 'x', acme.toUpperCase(), `${acme}, ${acme}`, ` ${acme}x`, "' or true --"]
    const replies = await Promise.all(wrong.map((tenant) => app.get('/who', { ...dan, ...named(tenant), 'x-request-id': 'same-request' })))
    expect(new Set(replies.map(({ status, text }) => `${status} ${text.replace(/"timestamp":"[^"]*"/, '')}`)).size).toBe(1)
    expect(replies[0]).toMatchObject({ status: 403, body: { code: 'AUTH_NOT_A_MEMBER', error: 'You do not belong to this tenant.' } })
    const browser = await new Browser(app).enter('dan@example.com')
    expect((await browser.send('GET', '/who', undefined, named(bolt))).status).toBe(403)
    expect(await who({ ...dan, ...named(acme) })).toBe(acme)
  })

  test.concurrent('what a session has chosen counts for it alone, and outlives new tokens and a new password', async () => {
    await app.user('eve@example.com', acme, bolt)
    const browser = await new Browser(app).enter('eve@example.com')
    const tokens = await tokensOf(app, 'eve@example.com')
    const inBrowser = async () => (await browser.send('GET', '/who')).body.tenant
    expect((await browser.send('PUT', '/auth/tenant', { tenant: bolt })).body.data).toEqual({ tenant: bolt })
    expect([await inBrowser(), await who(bearer(tokens.access_token))]).toEqual([bolt, null])
    const chosen = await app.put('/auth/tenant', { tenant: acme }, bearer(tokens.access_token))
    expect(chosen).toMatchObject({ status: 200, body: { data: { tenant: acme } } })
    const next = (await app.post('/auth/refresh', { refresh_token: tokens.refresh_token })).body.data
    expect([await inBrowser(), await who(bearer(next.access_token)), await who(bearer(tokens.access_token))]).toEqual([bolt, acme, acme])
    // One request may name another.
    expect(await who({ ...bearer(next.access_token), ...named(bolt) })).toBe(bolt)
    expect(await who(bearer(next.access_token))).toBe(acme)
    const changed = await browser.send('POST', '/auth/change-password', { current_password: password, password: 'another horse battery' })
    expect(changed.status).toBe(200)
    expect(await inBrowser()).toBe(bolt)
    expect((await browser.send('PUT', '/auth/tenant', { tenant: null })).body.data).toEqual({ tenant: null })
    expect(await inBrowser()).toBeNull()
  })

  test.concurrent('nobody chooses a tenant of others, nor for somebody else, nor with a key, nor from another site', async () => {
    const id = await app.user('fay@example.com', acme)
    const fay = await program('fay@example.com')
    for (const tenant of [bolt, nobodys, '', '*'])
      expect(await app.put('/auth/tenant', { tenant }, fay)).toMatchObject({ status: 403, body: { code: 'AUTH_NOT_A_MEMBER' } })
    for (const body of [{}, { tenant: 5 }, { tenant: [acme] }, { tenant: acme, session: 'x' }])
      expect((await app.put('/auth/tenant', body, fay)).status).toBe(400)
    expect((await app.put('/auth/tenant', { tenant: acme })).status).toBe(401)
    const { key } = (await app.app.auth?.ways.apiKeys.create({ owner: { kind: 'user', id }, name: 'x', scopes: undefined })) ?? { key: '' }
    expect((await app.put('/auth/tenant', { tenant: acme }, bearer(key))).status).toBe(403)
    const browser = await new Browser(app).enter('fay@example.com')
    const elsewhere = await browser.send('PUT', '/auth/tenant', { tenant: acme }, { 'sec-fetch-site': 'cross-site' })
    expect(elsewhere).toMatchObject({ status: 403, body: { code: 'AUTH_CROSS_SITE' } })
    expect((await browser.send('PUT', '/auth/tenant', { tenant: acme }, samePage)).status).toBe(200)
  })

  test.concurrent('who is put out of a tenant acts in it no more, neither by header nor by choice, and in no other unasked', async () => {
    const gus = await app.user('gus@example.com', acme, bolt)
    const headers = await program('gus@example.com')
    await app.put('/auth/tenant', { tenant: acme }, headers)
    expect(await who(headers)).toBe(acme)
    await app.leave(gus, acme)
    expect(await who(headers)).toBeNull()
    expect((await app.get('/who', { ...headers, ...named(acme) })).status).toBe(403)
    await app.put('/auth/tenant', { tenant: null }, headers)
    expect(await who(headers)).toBe(bolt)
    await app.join(gus, cord)
    expect(await who(headers)).toBeNull()
  })

  test.concurrent('when the choice is answered every process acts in it', async () => {
    await app.user('val@example.com', acme, bolt)
    const other = await createApp(app.app.definition, app.app.config)
    const program = bearer((await tokensOf(app, 'val@example.com')).access_token)
    const browser = await new Browser(app).enter('val@example.com')
    const elsewhere = async (headers: Record<string, string>) => (await other.inject({ url: '/who', headers })).json().tenant
    const shown = [program, { cookie: `session=${browser.cookies.get('session')}` }]
    for (const tenant of [acme, bolt, null]) {
      // Until it is in memory there, and whatever the moment of its last question is.
      for (const headers of shown) for (let n = 0; n < 3; n += 1) await elsewhere(headers)
      await Promise.all([app.put('/auth/tenant', { tenant }, program), browser.send('PUT', '/auth/tenant', { tenant })])
      expect(await Promise.all(shown.map(elsewhere))).toEqual([tenant, tenant])
    }
    await other.stop()
  })

  test.concurrent('the document has the routes, and replies are as it says', async () => {
    await app.user('sam@example.com', acme)
    const sam = await program('sam@example.com')
    const compiled = compileDocument((await app.get('/openapi.json')).body)
    const replies = [
      ['GET', '/auth/tenants', await app.get('/auth/tenants', sam)],
      ['PUT', '/auth/tenant', await app.put('/auth/tenant', { tenant: acme }, sam)],
      ['PUT', '/auth/tenant', await app.put('/auth/tenant', { tenant: null }, sam)],
      ['PUT', '/auth/tenant', await app.put('/auth/tenant', { tenant: bolt }, sam)],
      ['PUT', '/auth/tenant', await app.put('/auth/tenant', {}, sam)],
    ] as const
    for (const [method, path, { status, body }] of replies) {
      const schema = compiled.replySchema(method, path, status)
      expect([status, schema === undefined ? 'no schema' : compiled.fits(schema, body)]).toEqual([status, []])
    }
  })

  test.concurrent('who chose which tenant is in the audit', async () => {
    const lea = await app.user('lea@example.com', acme)
    await app.put('/auth/tenant', { tenant: acme }, await program('lea@example.com'))
    const rows = await app.app.db.query(
      `select actor, details->>'tenant' as tenant from plinth.audit where action = 'tenant.switched' and actor = $1`,
      [lea],
    )
    expect(rows).toEqual([{ actor: lea, tenant: acme }])
  })

  test('a membership that is taken away by hand counts no more within a second', async () => {
    const ida = await app.user('ida@example.com', acme, bolt)
    const headers = { ...(await program('ida@example.com')), ...named(acme) }
    expect(await who(headers)).toBe(acme)
    await app.app.db.client().query('delete from memberships where user_id = $1', [ida])
    await expect.poll(async () => (await app.get('/who', headers)).status, { timeout: 2_000, interval: 50 }).toBe(403)
  })

  test('a tenant that was deleted softly has no members any more', async () => {
    const gone = await app.organization('Gone')
    await app.user('jon@example.com', gone)
    const jon = await program('jon@example.com')
    expect(await who(jon)).toBe(gone)
    await app.app.db.query('update organizations set deleted_at = now() where id = $1', [gone])
    expect(await who(jon)).toBeNull()
    expect((await app.get('/who', { ...jon, ...named(gone) })).status).toBe(403)
    expect((await app.get('/auth/tenants', jon)).body.data).toEqual([])
  })

  test('a caller is told of the tenants that he belongs to, by name, and of no other', async () => {
    await app.user('kim@example.com', cord, acme)
    const kim = await program('kim@example.com')
    const shown = async (headers = {}) => (await app.get('/auth/tenants', { ...kim, ...headers })).body.data
    const [first, second] = [
      { tenant: acme, name: 'Acme' },
      { tenant: cord, name: 'Cord' },
    ]
    expect(await shown()).toEqual([
      { ...first, current: false },
      { ...second, current: false },
    ])
    expect(await shown(named(cord))).toEqual([
      { ...first, current: false },
      { ...second, current: true },
    ])
    expect((await app.get('/auth/tenants')).status).toBe(401)
  })

  test('a key that is for one tenant acts in that alone, and is worth nothing once its owner has left', async () => {
    const mia = await app.user('mia@example.com', acme, bolt)
    const browser = new Browser(app)
    await browser.signIn('mia@example.com')
    const make = async (tenant: string) => browser.send('POST', '/auth/keys', { name: 'backup', tenant })
    expect(await make(cord)).toMatchObject({ status: 403, body: { code: 'AUTH_NOT_A_MEMBER' } })
    const { key, tenant } = (await make(bolt)).body.data
    expect(tenant).toBe(bolt)
    expect((await browser.send('GET', '/auth/keys')).body.data).toMatchObject([{ name: 'backup', tenant: bolt }])
    expect([await who(bearer(key)), await who({ ...bearer(key), ...named(bolt) })]).toEqual([bolt, bolt])
    expect(await app.get('/who', { ...bearer(key), ...named(acme) })).toMatchObject({ status: 403, body: { code: 'AUTH_NOT_A_MEMBER' } })
    await app.leave(mia, bolt)
    expect(await app.get('/who', bearer(key))).toMatchObject({ status: 401, body: { code: 'AUTH_INVALID_TOKEN' } })
  })

  test('a key that is for no tenant in particular is like its owner', async () => {
    const id = await app.user('ned@example.com', acme, bolt)
    const { key } = (await app.app.auth?.ways.apiKeys.create({ owner: { kind: 'user', id }, name: 'x', scopes: undefined })) ?? { key: '' }
    expect([await who(bearer(key)), await who({ ...bearer(key), ...named(bolt) })]).toEqual([null, bolt])
    expect((await app.get('/who', { ...bearer(key), ...named(cord) })).status).toBe(403)
  })

  test('a service acts in the tenant of its key, or in none, and cannot name one', async () => {
    const keys = app.app.auth?.ways.apiKeys
    const owner = { kind: 'service', id: 'billing' } as const
    await expect(keys?.create({ owner, name: 'x', scopes: ['notes:read'], tenant: nobodys })).rejects.toMatchObject({
      code: 'AUTH_NOT_A_MEMBER',
    })
    const [bound, free] = [
      await keys?.create({ owner, name: 'x', scopes: ['notes:read'], tenant: acme }),
      await keys?.create({ owner, name: 'y', scopes: ['notes:read'] }),
    ].map((made) => bearer(made?.key ?? ''))
    expect(await app.get('/who', bound)).toMatchObject({ body: { kind: 'service', tenant: acme } })
    expect(await app.get('/who', free)).toMatchObject({ body: { kind: 'service', tenant: null } })
    expect((await app.get('/who', { ...bound, ...named(bolt) })).status).toBe(403)
    expect((await app.get('/who', { ...free, ...named(acme) })).status).toBe(403)
  })

  test.each([
    ['softly', 'update organizations set deleted_at = now() where id = $1'],
    ['for good', 'delete from organizations where id = $1'],
  ])('a key of a service ends with its tenant, deleted %s, within a second, and no other does', async (_how, sql) => {
    const [gone, here] = [await app.organization('Gone'), await app.organization('Here')]
    const keyOf = async (tenant: string) =>
      bearer(
        (await app.app.auth?.ways.apiKeys.create({ owner: { kind: 'service', id: 'billing' }, name: 'x', scopes: ['*'], tenant }))?.key ??
          '',
      )
    const [ofGone, ofHere] = [await keyOf(gone), await keyOf(here)]
    expect([await who(ofGone), await who(ofHere)]).toEqual([gone, here])
    await app.app.db.query(sql, [gone])
    await sleep(1_000)
    expect(await app.get('/who', ofGone)).toMatchObject({ status: 401, body: { code: 'AUTH_INVALID_TOKEN' } })
    expect(await app.get('/who', ofGone)).toMatchObject({ status: 401 })
    expect(await who(ofHere)).toBe(here)
  })

  test('an Idempotency-Key is one of the tenant that the request acts in', async () => {
    await app.user('ola@example.com', acme, bolt)
    const ola = await program('ola@example.com')
    const create = async (tenant: string) =>
      (await app.post('/api/notes', { body: 'one' }, { ...ola, ...named(tenant), 'idempotency-key': 'the-same' })).body.data.id
    const [inAcme, inBolt] = [await create(acme), await create(bolt)]
    expect(inAcme).not.toBe(inBolt)
    expect([await create(acme), await create(bolt)]).toEqual([inAcme, inBolt])
  })

  test('code asks for a caller in a tenant, and gets none where the user does not belong', async () => {
    const pia = await app.user('pia@example.com', acme, bolt)
    const { auth } = app.app
    expect(await auth?.loadCaller(pia, bolt)).toMatchObject({ id: pia, tenant: bolt })
    expect((await auth?.loadCaller(pia))?.tenant).toBeUndefined()
    await expect(auth?.loadCaller(pia, cord)).rejects.toMatchObject({ code: 'AUTH_NOT_A_MEMBER' })
  })

  test('the same session in the same tenant is the same object, until something about the user changes', async () => {
    const quin = await app.user('quin@example.com', acme, bolt)
    const { auth } = app.app
    const ask = (tenant?: string, credential = 'one') => auth?.signedIn.callerOf(quin, { credential, named: tenant })
    const isSame = async (): Promise<boolean> => (await ask(acme)) === (await ask(acme))
    // From when on copies are believed.
    await expect.poll(isSame).toBe(true)
    const first = await ask(acme)
    expect(await ask(bolt)).not.toBe(first)
    expect(await ask(acme, 'other')).not.toBe(first)
    await app.leave(quin, bolt)
    expect(await ask(acme)).not.toBe(first)
  })

  test('who belongs to which tenant is known also where the tables of tenants and members are walled off themselves', async () => {
    const walled = await tenantApp(url, { invitationAccepted: joinInvited }, [
      defineResource(memberships, { tenant: 'organization_id', access: { read: signedIn, write: signedIn } }),
      defineResource(organizations, { tenant: 'id', access: { read: signedIn } }),
    ])
    onTestFinished(() => walled.close())
    const [yard, zinc] = [await walled.organization('Yard'), await walled.organization('Zinc')]
    const tom = await walled.user('tom@example.com', yard, zinc)
    const headers = bearer((await tokensOf(walled, 'tom@example.com')).access_token)
    const inTenant = async (tenant: string) => (await walled.get('/who', { ...headers, ...named(tenant) })).body.tenant
    expect([await inTenant(yard), await inTenant(zinc)]).toEqual([yard, zinc])
    expect((await walled.get('/auth/tenants', headers)).body.data).toMatchObject([{ name: 'Yard' }, { name: 'Zinc' }])
    // A cache of somebody else must not give one tenant's answer to another.
    expect((await walled.get('/api/memberships', { ...headers, ...named(yard) })).headers['vary']).toContain(
      'Authorization, Cookie, X-Tenant',
    )
    const listed = async (path: string) => (await walled.get(path, { ...headers, ...named(yard) })).body.data
    expect(await listed('/api/memberships')).toMatchObject([{ user_id: tom, organization_id: yard }])
    expect(await listed('/api/organizations')).toMatchObject([{ name: 'Yard' }])
    await walled.leave(tom, zinc)
    expect((await walled.get('/who', { ...headers, ...named(zinc) })).status).toBe(403)
    await walled.app.auth?.ways.invitations.send({ email: 'uma@example.com', data: { organization: zinc } })
    const token = tokenIn(await mailTo(walled, 'uma@example.com', /invited/))
    expect((await new Browser(walled).send('POST', '/auth/accept-invitation', { token, password })).status).toBeLessThan(300)
    expect((await walled.get('/who', bearer((await tokensOf(walled, 'uma@example.com')).access_token))).body.tenant).toBe(zinc)
  })

  test('an invitation makes a member, in the transaction in which it is accepted', async () => {
    const invited = await tenantApp(url, {
      invitationAccepted: joinInvited,
    })
    const zen = await invited.organization('Zen')
    await invited.app.auth?.ways.invitations.send({ email: 'rob@example.com', data: { organization: zen } })
    const token = tokenIn(await mailTo(invited, 'rob@example.com', /invited/))
    const browser = new Browser(invited)
    expect((await browser.send('POST', '/auth/accept-invitation', { token, password })).status).toBeLessThan(300)
    const signedIn = bearer((await tokensOf(invited, 'rob@example.com')).access_token)
    expect((await invited.get('/who', signedIn)).body.tenant).toBe(zen)
    await invited.close()
  })
})
