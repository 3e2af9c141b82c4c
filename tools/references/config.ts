// docs/reference/config.md: every environment variable, from the table that they are read by.

import { settings } from '../../src/core/config-table.ts'
import type { Default, Setting } from '../../src/core/settings.ts'
import { code, table } from './markdown.ts'

const introduction = `Plinth is configured by environment variables. They are read once, at the start; all mistakes are reported together and the start is refused.
A secret can also be given as a file: \`NAME_FILE\` is the path of a file that holds the value of \`NAME\`.`

export function configReference(): string {
  const rows = Object.entries<Setting>(settings).map(([name, setting]) => [
    code(name),
    kindOf(setting),
    defaultOf(setting.default),
    setting.description,
  ])
  return ['# Configuration', introduction, table(['variable', 'value', 'default', 'meaning'], rows)].join('\n\n')
}

function kindOf({ type, secret }: Setting): string {
  return secret === true ? `${type}, secret` : type
}

/** The same everywhere, or one per environment. */
function defaultOf(value: Default | undefined): string {
  if (value === undefined) return ''
  if (typeof value === 'string') return code(value)
  return Object.entries(value)
    .map(([environment, text]) => `${code(text)} in ${environment}`)
    .join(', ')
}
