// What is walked: the tenants and their members, and which tables hold what belongs to a tenant, whatever the resources say of it. A table
// belongs to one when it has a foreign key to the tenants, or cannot be without a row that belongs to one.

import type { App } from '../../app/create.ts'
import type { Auth } from '../../auth/create-auth.ts'
import { readTenancy, type Tenancy } from '../../auth/tenants/read-tenancy.ts'
import { leadsTo } from '../../model/leads-to.ts'
import type { ForeignKey, Model } from '../../model/model.ts'
import { readTable } from '../../model/read-table.ts'
import type { CompiledResource } from '../../resource/registry.ts'

export interface Ground {
  readonly app: App
  readonly auth: Auth
  readonly tenancy: Tenancy
  readonly users: Model
  /** What can have rows, each after those that it cannot be without. */
  readonly models: readonly Model[]
  /** Those of them whose rows belong to a tenant, and the tenants, their members and the users. */
  readonly owned: ReadonlySet<Model>
  /** Those of them that are not shared on purpose. */
  readonly secret: ReadonlySet<Model>
  readonly resources: readonly CompiledResource[]
}

/** @param except  names of resources that are not looked at */
export function readGround(app: App, except: readonly string[]): Ground {
  const { auth } = app
  if (auth?.options.tenants === undefined) throw new Error('There is nothing to walk: the application says no auth.tenants.')
  const users = readTable(auth.options.users)
  const tenancy = readTenancy(auth.options.tenants, users)
  const all = [...app.engine.registry.models.values()].filter(({ isView }) => !isView)
  const named = (model: Model): Model => all.find(({ name }) => name === model.name) ?? model
  const around = { ...tenancy, tenants: named(tenancy.tenants), members: named(tenancy.members) }
  const resources = [...app.engine.registry.resources.values()].filter(({ name }) => !except.includes(name))
  const ground = { app, auth, tenancy: around, users: named(users), models: inOrder(all), resources }
  const shared = [...app.engine.registry.resources.values()].filter(({ name }) => except.includes(name)).map(({ model }) => model.name)
  const owned = ownedModels(ground)
  return { ...ground, owned, secret: new Set([...owned].filter(({ name }) => !shared.includes(name))) }
}

export function targetOf(key: ForeignKey, models: readonly Model[]): Model | undefined {
  return models.find((model) => leadsTo(key, model))
}

/** Whether a row cannot be without the one that the key leads to. */
export function isNeeded({ fields }: ForeignKey, { fieldByName }: Model): boolean {
  return fields.every((name) => fieldByName.get(name)?.nullable === false)
}

function ownedModels({ models, tenancy, users }: Omit<Ground, 'owned' | 'secret'>): ReadonlySet<Model> {
  const owned = new Set([tenancy.tenants, tenancy.members, users])
  const belongs = (model: Model): boolean =>
    model.foreignKeys.some((key) => {
      const target = targetOf(key, models)
      return target === tenancy.tenants || (target !== undefined && target !== users && owned.has(target) && isNeeded(key, model))
    })
  for (let before = -1; before !== owned.size;) {
    before = owned.size
    for (const model of models) if (belongs(model)) owned.add(model)
  }
  return owned
}

function inOrder(models: readonly Model[]): readonly Model[] {
  const done: Model[] = []
  const waits = (model: Model): boolean =>
    model.foreignKeys.some((key) => {
      const target = targetOf(key, models)
      return target !== undefined && target !== model && isNeeded(key, model) && !done.includes(target)
    })
  for (let next: Model | undefined; (next = models.find((model) => !done.includes(model) && !waits(model))) !== undefined;) done.push(next)
  return done
}
