// What Ajv complains about, as details that name their fields.

import type { AppError, ErrorDetail } from '../core/errors.ts'
import { nearest } from '../support/similar.ts'
import { httpErrors } from './errors.ts'

/** One complaint of Ajv, as far as we read it. */
interface SchemaComplaint {
  readonly keyword: string
  readonly instancePath: string
  readonly message?: string
  readonly params: Readonly<Record<string, unknown>>
  readonly parentSchema?: { readonly properties?: Readonly<Record<string, unknown>> }
}

interface ValidationError extends Error {
  readonly validation: readonly SchemaComplaint[]
  readonly validationContext?: string
}

const parts: Readonly<Record<string, string>> = { body: 'body', querystring: 'query', params: 'path', headers: 'headers' }

/** Thrown by Fastify when a part of the request does not fit the schema of its route. */
export function isValidationError(error: Error): error is ValidationError {
  return 'validation' in error && Array.isArray(error.validation)
}

/** Every complaint as a detail that names its field: `items[3].price`. */
export function invalidInput(error: ValidationError): AppError {
  const part = parts[error.validationContext ?? ''] ?? 'content'
  return httpErrors.INVALID_INPUT(part).with({ details: error.validation.map(toDetail), cause: error })
}

function toDetail(complaint: SchemaComplaint): ErrorDetail {
  const { keyword, params, parentSchema } = complaint
  const name = keyword === 'required' ? params.missingProperty : keyword === 'additionalProperties' ? params.additionalProperty : undefined
  const field = fieldName(complaint.instancePath, typeof name === 'string' ? name : undefined)
  const near =
    keyword === 'additionalProperties' && typeof name === 'string' ? nearest(name, Object.keys(parentSchema?.properties ?? {})) : undefined
  return {
    ...(field === '' ? {} : { field }),
    code: `HTTP_INVALID_${keyword.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`,
    message: sentence(complaint, field),
    ...(near === undefined ? {} : { hint: `Perhaps you meant "${near}".` }),
  }
}

function sentence({ keyword, message, params }: SchemaComplaint, field: string): string {
  const subject = field === '' ? 'The content' : `"${field}"`
  if (keyword === 'required') return `${subject} is required.`
  if (keyword === 'additionalProperties') return `${subject} is not known here.`
  const allowed = keyword === 'enum' && Array.isArray(params.allowedValues) ? `: ${params.allowedValues.join(', ')}` : ''
  return `${subject} ${message ?? 'is not valid'}${allowed}.`
}

/** `/items/3/price` → `items[3].price`. */
function fieldName(pointer: string, last?: string): string {
  const steps = pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  if (last !== undefined) steps.push(last)
  return steps.reduce((path, step) => (/^\d+$/.test(step) ? `${path}[${step}]` : path === '' ? step : `${path}.${step}`), '')
}
