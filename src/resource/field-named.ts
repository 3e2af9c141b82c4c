import type { Field, Model } from '../model/model.ts'

/** The field a model's own data names (keys, relations). Its absence is a bug, not a caller's mistake. */
export function fieldNamed(model: Model, name: string | undefined): Field {
  const field = name === undefined ? undefined : model.fieldByName.get(name)
  if (field === undefined) throw new Error(`The model "${model.name}" has no field "${name}".`)
  return field
}
