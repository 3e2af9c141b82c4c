// The door of identity: tables that an application takes into its models, to sign its users in.

export { permissions, role_permissions, roles, userRoles, type UsersTable } from './auth/tables/roles.ts'
export { userColumns } from './auth/tables/user-columns.ts'
