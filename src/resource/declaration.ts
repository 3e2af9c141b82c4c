// A definition beside the model of its table: what start-up works with until resources are compiled.

import type { Model } from '../model/model.ts'
import type { ResourceDefinition } from './define.ts'

export interface Declaration {
  readonly definition: ResourceDefinition
  readonly model: Model
}

export function nameOf({ definition, model }: Declaration): string {
  return definition.options.name ?? model.name
}

export function placeOf(declaration: Declaration): string {
  const { file } = declaration.definition
  return `${file === undefined ? '' : `${file}: `}resource "${nameOf(declaration)}"`
}
