import type { RecordValues } from './request.ts'

/** True for what a JSON object becomes. */
export function isRecord(values: unknown): values is RecordValues {
  return typeof values === 'object' && values !== null && !Array.isArray(values)
}
