// The door of the first documentation page: what an application is written with.

export { createApp, type App } from './app/create.ts'
export { defineApp, type AppDefinition, type AppOptions, type RoutePlugin, type SeedReport } from './app/define.ts'
export type { KeyInput, ListResult, ResourceHandle, ResourceRecord } from './app/resource-handle.ts'
export { loadConfig, readConfig } from './core/env.ts'
export type { IdempotentHandler, RouteAnswer } from './http/idempotency/idempotent.ts'
export type { CacheOption, CacheOptions } from './cache/options.ts'
export type { RequestSubject, RouteRateLimit } from './http/rate-limits.ts'
export type { HealthCheck, HealthReport, Module } from './core/module.ts'
export {
  all,
  any,
  anyone,
  member,
  nobody,
  not,
  owner,
  permission,
  role,
  signedIn,
  where,
  type MemberOptions,
  type Policy,
  type RowComparison,
  type RowCondition,
  type RowFilter,
  type RowValue,
} from './auth/policies.ts'
export { demandScope } from './auth/scopes.ts'
export { anonymousCaller, type Caller } from './core/caller.ts'
export { runAcrossTenants as acrossTenants } from './core/tenant.ts'
export type { OperationRateLimits, ResourceRateLimit } from './resource/rate-limit.ts'
export type { RateCounter, RateResult, RateWindow } from './state/rate-counter.ts'
export type { RateLimit, RateRule } from './support/rates.ts'
export {
  defineResource,
  type Access,
  type CacheControl,
  type FieldAccess,
  type HookContext,
  type Hooks,
  type Operation,
  type ResourceDefinition,
  type ResourceOptions,
  type ThroughRelation,
} from './resource/define.ts'
