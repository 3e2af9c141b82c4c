// Why a URL, a query string or a body is refused before the engine sees it.

import { defineErrors } from '../core/errors.ts'

export const restErrors = defineErrors('REST', {
  UNKNOWN_PARAMETER: {
    status: 400,
    summary: 'A query parameter does not exist.',
    message: (name: string, _near?: string) => `"${name}" is not a query parameter here.`,
    hint: (_name: string, near?: string) => (near === undefined ? undefined : `Perhaps you meant "${near}".`),
  },
  REPEATED_PARAMETER: {
    status: 400,
    summary: 'A query parameter was given more than once.',
    message: (name: string) => `"${name}" is given more than once.`,
    hint: () => 'Write several values as one, separated by commas.',
  },
  INVALID_PARAMETER: {
    status: 400,
    summary: 'A query parameter has a value it cannot have.',
    message: (name: string, problem: string) => `${name}: ${problem}`,
  },
  INVALID_QUERY: {
    status: 400,
    summary: 'The query string is broken or has too many parameters.',
    message: (problem: string) => `The query string ${problem}.`,
  },
  INVALID_BODY: {
    status: 400,
    summary: 'The body does not have the form that the operation takes.',
    message: (problem: string, _hint: string) => problem,
    hint: (_problem: string, hint: string) => hint,
  },
})
