// Why an application cannot be put together, or does not start.

import { defineErrors } from '../core/errors.ts'

export const appErrors = defineErrors('APP', {
  INVALID_MODULES: {
    status: 500,
    summary: 'The modules of an application do not fit together. The start is refused.',
    message: (problem: string) => `The modules do not fit together: ${problem}.`,
    hint: () => 'Look at `modules` in defineApp and at `needs` in each of them.',
  },
  PORT_IN_USE: {
    status: 500,
    summary: 'Another process listens on the port of the API.',
    message: (port: number) => `Port ${port} is in use by another process.`,
    hint: (port: number) => `Stop that process, or choose another port: API_PORT=${port < 65_535 ? port + 1 : 8080}`,
  },
  CANNOT_LISTEN: {
    status: 500,
    summary: 'The operating system does not let the API listen on its address: a port below 1024, or an address of another machine.',
    message: (host: string, port: number, reason: string) => `The API cannot listen on ${host}, port ${port}: ${reason}.`,
    hint: () => 'Check API_HOST and API_PORT.',
  },
})
