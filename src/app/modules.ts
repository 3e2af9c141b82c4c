// The order of an application's modules: each after those it needs.

import type { Module } from '../core/module.ts'
import type { App } from './create.ts'
import { appErrors } from './errors.ts'

/** @throws APP_INVALID_MODULES when a needed module is missing, two have one name, or they need each other in a ring */
export function orderModules(modules: readonly Module<App>[]): readonly Module<App>[] {
  const byName = new Map(modules.map((module) => [module.name, module]))
  if (byName.size < modules.length) throw appErrors.INVALID_MODULES('two modules have the same name')
  const ordered = new Set<Module<App>>()
  for (const module of modules) visit(module, byName, ordered, [])
  return [...ordered]
}

function visit(module: Module<App>, byName: ReadonlyMap<string, Module<App>>, ordered: Set<Module<App>>, path: readonly string[]): void {
  if (path.includes(module.name)) throw appErrors.INVALID_MODULES(`${[...path, module.name].join(' needs ')}: that is a ring`)
  if (ordered.has(module)) return
  for (const name of module.needs ?? []) {
    const needed = byName.get(name)
    if (needed === undefined) throw appErrors.INVALID_MODULES(`"${module.name}" needs "${name}", which is not there`)
    visit(needed, byName, ordered, [...path, module.name])
  }
  ordered.add(module)
}
