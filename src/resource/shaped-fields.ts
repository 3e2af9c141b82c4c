// The columns that a record is made of, ahead of all others in a row: what the reply shows, and what a `serialize` hook looks at besides.

import type { Field } from '../model/model.ts'
import type { CompiledResource } from './registry.ts'

export function shapedFields({ visible, shown, options }: CompiledResource): readonly Field[] {
  if (options.hooks?.serialize === undefined || shown.length === visible.length) return visible
  return [...visible, ...shown.filter((field) => !visible.includes(field))]
}
