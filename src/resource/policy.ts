// Who may use an operation. A resource says so in `access`; what it does not open stays closed.

import { nobody, type Policy } from '../auth/policies.ts'
import type { Access, Operation } from './define.ts'

/** The policy that `access` gives an operation: the narrow word (`delete`) wins over the wide one (`write`). */
export function policyOf(access: Access, operation: Operation): Policy {
  return narrowPolicy(access, operation) ?? (isRead(operation) ? access.read : access.write) ?? nobody
}

export function isRead(operation: Operation): boolean {
  return operation === 'list' || operation === 'get'
}

function narrowPolicy(access: Access, operation: Operation): Policy | undefined {
  switch (operation) {
    case 'replace':
    case 'patch':
      return access.update
    case 'restore':
      return access.delete
    default:
      return access[operation]
  }
}

/** True when an operation answers everybody the same: nothing depends on who asks. */
export function isForAnyone(access: Access, operation: Operation): boolean {
  return policyOf(access, operation).policy === 'anyone'
}

export function isOpen(access: Access, operation: Operation): boolean {
  return policyOf(access, operation).policy !== 'nobody'
}
