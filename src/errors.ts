// Errors: refuse with a code, a field and a hint from your own code.

export {
  AppError,
  declaredErrors,
  defineErrors,
  type DeclaredError,
  type ErrorDetail,
  type ErrorEntry,
  type ErrorExtras,
} from './core/errors.ts'
