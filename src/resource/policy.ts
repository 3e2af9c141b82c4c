// Who may use an operation. A resource says so in `access`; what it does not open stays closed.

import type { Access, Operation, Policy } from './define.ts'

/** Open to every caller, signed in or not. */
export const anyone: Policy = Object.freeze({ policy: 'anyone' })

/** Closed to every caller. */
export const nobody: Policy = Object.freeze({ policy: 'nobody' })

/** The policy that `access` gives an operation: the narrow word (`delete`) wins over the wide one (`write`). */
export function policyOf(access: Access, operation: Operation): Policy {
  return narrowPolicy(access, operation) ?? (isRead(operation) ? access.read : access.write) ?? nobody
}

export function isRead(operation: Operation): boolean {
  return operation === 'list' || operation === 'get'
}

function narrowPolicy(access: Access, operation: Operation): Policy | undefined {
  switch (operation) {
    case 'create':
      return access.create
    case 'replace':
    case 'patch':
      return access.update
    case 'delete':
    case 'restore':
      return access.delete
    default:
      return undefined
  }
}

/** True when an operation answers everybody the same: nothing depends on who asks. */
export function isForAnyone(access: Access, operation: Operation): boolean {
  return policyOf(access, operation).policy === anyone.policy
}

export function isOpen(access: Access, operation: Operation): boolean {
  return policyOf(access, operation).policy !== nobody.policy
}
