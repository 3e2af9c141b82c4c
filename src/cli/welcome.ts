// What `plinth start` and `plinth dev` say when the application serves.

import { print } from './output.ts'

export interface Welcome {
  readonly name: string
  readonly url: string
  /** In front of every resource. */
  readonly prefix: string
  /** When there are several. */
  readonly processes?: number
}

export function welcome({ name, url, prefix, processes }: Welcome): void {
  const several = processes === undefined ? '' : ` in ${processes} ${processes === 1 ? 'process' : 'processes'}`
  const reload = processes === undefined ? [] : [`  Reload with kill -HUP ${process.pid}`]
  print([`${name} is running${several}`, `  API   ${url}${prefix}`, `  Docs  ${url}/docs`, ...reload, '  Stop with Ctrl+C'].join('\n'))
}
