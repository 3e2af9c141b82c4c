// Asks the policies of a resource about one caller. A record is looked at in the database; without a key nothing is connected to, unless the
// roles of the user have to be read.

import { type App, createApp } from '../app/create.ts'
import { composeUnconnected } from '../app/describe.ts'
import { anonymousCaller, type Caller } from '../core/caller.ts'
import { AppError } from '../core/errors.ts'
import { runInTenant, tenantOf } from '../core/tenant.ts'
import { type AccessExplanation, type ExplainedPolicy, type ExplainedRule, explainAccess } from '../resource/access/explain.ts'
import { type RuleName, ruleNames } from '../resource/access/compile-access.ts'
import type { CompiledResource } from '../resource/registry.ts'
import { nearest } from '../support/similar.ts'
import { loadApp, type LoadedApp } from './load-app.ts'
import { CommandFailure, print, printJson, UsageError } from './output.ts'

export interface CanFlags {
  readonly why?: boolean
  readonly role: readonly string[]
  readonly permission: readonly string[]
  readonly tenant?: string
  readonly asMember?: boolean
  readonly json?: boolean
}

export async function can(user: string, operation: string, name: string, key: string | undefined, flags: CanFlags): Promise<void> {
  const rule = ruleNames.find((one) => one === operation)
  if (rule === undefined) throw new UsageError(`"${operation}" is not one of ${ruleNames.join(', ')}.`)
  const loaded = await loadApp()
  const asked = await askIn(loaded, user, key, flags, async (app) =>
    explain(app, resourceNamed(app, name), await callerOf(app, user, flags), key),
  )
  if (flags.json === true) printJson({ operation: rule, ...answer(asked, rule), ...asked })
  else report(asked, rule, flags.why === true)
}

function hasOwnRights({ role, permission }: CanFlags): boolean {
  return role.length > 0 || permission.length > 0
}

/** In an application that is connected, where something has to be read. */
async function askIn<result>(
  { definition, config }: LoadedApp,
  user: string,
  key: string | undefined,
  flags: CanFlags,
  ask: (app: App) => Promise<result>,
): Promise<result> {
  const readsRoles = definition.options.auth !== undefined && user !== 'anyone' && !hasOwnRights(flags)
  if (key === undefined && !readsRoles) return ask(await composeUnconnected(definition, config))
  const app = await createApp(definition, { ...config, log: { ...config.log, level: 'error' } })
  try {
    return await ask(app)
  } finally {
    await app.stop()
  }
}

function resourceNamed({ engine }: App, name: string): CompiledResource {
  const found = engine.registry.resources.get(name)
  if (found !== undefined) return found
  const near = nearest(name, engine.registry.resources.keys())
  throw new UsageError(`There is no resource "${name}".${near === undefined ? '' : ` Perhaps you meant "${near}".`}`)
}

/** With the roles that are said, else with those of the database, where the application keeps users. */
async function callerOf({ auth }: App, user: string, flags: CanFlags): Promise<Caller> {
  const { role, permission, tenant, asMember } = flags
  if (user === 'anyone') return anonymousCaller
  const said: Caller = { ...anonymousCaller, kind: 'user', id: user, roles: role, permissions: permission, tenant }
  if (auth === undefined || hasOwnRights(flags)) return said
  const known = await auth.loadCaller(user, asMember === true ? undefined : tenant).catch((error: unknown) => {
    throw isNoMember(error) ? new CommandFailure(`User ${user} does not belong to the tenant ${tenant}. Ask as if: --as-member`) : error
  })
  if (known === undefined) throw new CommandFailure(`There is no user "${user}" who may sign in.`)
  return tenant === undefined ? known : { ...known, tenant }
}

function isNoMember(error: unknown): boolean {
  return error instanceof AppError && error.code === 'AUTH_NOT_A_MEMBER'
}

/** In the caller's tenant, as the request would be: in all of them policies find what the caller has not. */
function explain({ engine }: App, resource: CompiledResource, caller: Caller, key: string | undefined): Promise<AccessExplanation> {
  const sight = engine.registry.sights.of(resource, caller)
  const about = key === undefined ? undefined : { db: engine.db, key: key.split(',') }
  return runInTenant(tenantOf(caller), () => explainAccess(sight, about))
}

interface Said {
  readonly may: 'yes' | 'no' | 'some rows'
  readonly because: string
}

function answer({ caller, exists, operations }: AccessExplanation, name: RuleName): Said {
  const { may, record, policy, answer: policySays, tenant } = operations[name]
  if (may === 'no' && tenant !== undefined && caller.tenant === undefined) return { may, because: outOfTenant(tenant, policy) }
  if (may === 'no') return { may, because: `The policy is ${policy}, and no record can meet it for this caller.` }
  if (exists === false) return { may: 'no', because: 'There is no such record.' }
  if (record === undefined) return { may, because: whichRecords(may, policySays, policy, tenant) }
  const both = tenant === undefined ? policy : `${tenant} and ${policy}`
  return { may: record, because: `The policy is ${both}, and the record ${record === 'yes' ? 'meets' : 'does not meet'} it.` }
}

function outOfTenant(tenant: string, policy: string): string {
  return `The records belong to tenants, and the caller acts in none (${tenant}). Name one with --tenant. The policy is ${policy}.`
}

function whichRecords(may: string, policySays: string, policy: string, tenant: string | undefined): string {
  if (may === 'yes') return `The policy is ${policy}.`
  if (tenant !== undefined) return `Those of the tenant (${tenant}). The policy is ${policy}.`
  return policySays === 'yes' ? `Those that the caller sees. The policy is ${policy}.` : `It depends on the record: ${policy}.`
}

function report(explained: AccessExplanation, name: RuleName, why: boolean): void {
  const { may, because } = answer(explained, name)
  print(`${may === 'some rows' ? 'Some records' : may === 'yes' ? 'Yes' : 'No'}. ${because}`)
  if (!why) return
  const { kind, id, roles, permissions, scopes, tenant } = explained.caller
  print(`caller     ${kind}${id === undefined ? '' : ` ${id}`}`)
  print(`roles      ${roles.join(', ') || 'none'}`)
  print(`rights     ${permissions.join(', ') || 'none'}`)
  if (scopes !== undefined) print(`scopes     ${scopes.join(', ') || 'none'}`)
  print(`tenant     ${tenant ?? 'none'}`)
  for (const line of ruleLines(explained.operations[name])) print(line)
  if (explained.hiddenFields.length > 0) print(`hidden     ${explained.hiddenFields.join(', ')}`)
  if (explained.readOnlyFields.length > 0) print(`read-only  ${explained.readOnlyFields.join(', ')}`)
}

function ruleLines(rule: ExplainedRule): string[] {
  const { condition } = rule
  const sql = condition === undefined ? [] : [`condition  ${condition.sql}`, `values     ${JSON.stringify(condition.values)}`]
  const tenant = rule.tenant === undefined ? [] : [`records of  ${rule.tenant}`]
  return [...tenant, ...policyLines(rule, 0), ...sql]
}

function policyLines({ policy, answer: said, parts = [] }: ExplainedPolicy, depth: number): string[] {
  return [`${'  '.repeat(depth)}${said}: ${policy}`, ...parts.flatMap((part) => policyLines(part, depth + 1))]
}
