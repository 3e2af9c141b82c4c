// Packages that only writing a migration needs are imported when they are used, and missed with a sentence.

import { migrateErrors } from './errors.ts'

/**
 * Imports an optional package.
 *
 * @throws  MIGRATE_TOOL_MISSING when it is not installed
 */
export async function importTool<tool>(name: string, load: () => Promise<tool>): Promise<tool> {
  try {
    return await load()
  } catch (error) {
    if (isMissing(error, name)) throw migrateErrors.TOOL_MISSING(name).with({ cause: error })
    throw error
  }
}

function isMissing(error: unknown, name: string): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND' && error.message.includes(name)
}
