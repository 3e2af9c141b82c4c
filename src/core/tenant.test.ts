import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { anonymousCaller, type Caller } from './caller.ts'
import { runInContext } from './context.ts'
import { inTenantOfNow, runAcrossTenants, runInTenant, tenantInForce } from './tenant.ts'

const callerIn = (tenant: string | undefined): Caller => ({ ...anonymousCaller, kind: 'user', id: '1', tenant })

function inRequest<result>(caller: Caller, work: () => result): result {
  return runInContext({ requestId: 'r-1', startedAt: 0, deadline: 1, caller }, work)
}

test('outside of requests every tenant is in force, inside of one that of its caller', () => {
  expect(tenantInForce()).toBe('*')
  expect(inRequest(callerIn('7'), tenantInForce)).toBe('7')
  expect(inRequest(anonymousCaller, tenantInForce)).toBe('')
  expect(tenantInForce()).toBe('*')
})

test('the caller of a request counts from the moment in which it is known', () => {
  const context = { requestId: 'r-1', startedAt: 0, deadline: 1, caller: anonymousCaller }
  runInContext(context, () => {
    expect(tenantInForce()).toBe('')
    context.caller = callerIn('7')
    expect(tenantInForce()).toBe('7')
  })
})

test('a tenant that is said wins over that of the request, for as long as the work takes and in all that it starts', async () => {
  await inRequest(callerIn('7'), async () => {
    const later = runInTenant('8', async () => {
      await delay(1)
      return tenantInForce()
    })
    expect(tenantInForce()).toBe('7')
    expect(await later).toBe('8')
    expect(await runAcrossTenants(async () => (await delay(1), tenantInForce()))).toBe('*')
    expect(runAcrossTenants(() => runInTenant('9', tenantInForce))).toBe('9')
    expect(runInTenant(undefined, tenantInForce)).toBe('')
    expect(tenantInForce()).toBe('7')
  })
})

test('what is put off is done in the tenant of the moment in which that was said', async () => {
  const ofRequest = inRequest(callerIn('7'), () => inTenantOfNow(tenantInForce))
  const ofAll = inRequest(callerIn('7'), () => runAcrossTenants(() => inTenantOfNow(tenantInForce)))
  expect([ofRequest(), inRequest(callerIn('8'), ofRequest), runInTenant('9', ofRequest)]).toEqual(['7', '7', '7'])
  expect([ofAll(), inRequest(callerIn('8'), ofAll), inRequest(callerIn('8'), inTenantOfNow(tenantInForce))]).toEqual(['*', '*', '*'])
  expect(tenantInForce()).toBe('*')
})

test('a request that begins inside of such work has its own tenant: nobody asks across tenants by HTTP', () => {
  expect(runAcrossTenants(() => inRequest(callerIn('7'), tenantInForce))).toBe('7')
  expect(runInTenant('8', () => inRequest(anonymousCaller, tenantInForce))).toBe('')
  expect(inRequest(callerIn('7'), () => runAcrossTenants(() => inRequest(callerIn('8'), tenantInForce)))).toBe('8')
})

test('no key stands for every tenant, whatever the table of tenants has in it', () => {
  expect(inRequest(callerIn('*'), tenantInForce)).toBe('')
  expect(inRequest(callerIn(''), tenantInForce)).toBe('')
  expect(() => runInTenant('*', tenantInForce)).toThrow('is the key of no tenant')
})

test('work that is only begun when somebody waits for it, as a query of Drizzle, is begun inside', async () => {
  // oxlint-disable-next-line unicorn/no-thenable -- that is what is tried
  const query = { then: (done: (tenant: string) => void) => done(tenantInForce()) } as unknown as Promise<string>
  await inRequest(callerIn('7'), async () => {
    expect(await query).toBe('7')
    expect(await runAcrossTenants(() => query)).toBe('*')
    expect(await runInTenant('8', () => query)).toBe('8')
  })
})
