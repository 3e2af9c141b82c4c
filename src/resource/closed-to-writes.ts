// Columns of the table of users that say who may sign in as whom. They change when a mail was answered or an account was disabled; a resource
// that lets users change their own record would let them take an address that is not theirs.

import type { Model } from '../model/model.ts'
import type { ResourceOptions } from './define.ts'

const names = ['email', 'email_verified_at', 'disabled_at'] as const

/** Whether a field is written by signing up and the like alone, as long as the resource does not open it by name. */
export function isClosedToWrites(field: string, model: Model, users: string, { writable }: ResourceOptions): boolean {
  const isOfUsers = model.name === users && names.every((name) => model.fieldByName.has(name))
  return isOfUsers && names.some((name) => name === field) && writable?.includes(field) !== true
}
