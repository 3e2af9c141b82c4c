// Why an application cannot be put together.

import { defineErrors } from '../core/errors.ts'

export const appErrors = defineErrors('APP', {
  INVALID_MODULES: {
    status: 500,
    summary: 'The modules of an application do not fit together. The start is refused.',
    message: (problem: string) => `The modules do not fit together: ${problem}.`,
    hint: () => 'Look at `modules` in defineApp and at `needs` in each of them.',
  },
})
