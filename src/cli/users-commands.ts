// `plinth users …`: accounts, for who looks after the application. Every change is in the audit, as one by code is.

import { randomBytes } from 'node:crypto'
import { text } from 'node:stream/consumers'
import type { ListedUser } from '../auth/accounts/administer.ts'
import type { User } from '../auth/accounts/users.ts'
import type { Auth } from '../auth/create-auth.ts'
import { AppError } from '../core/errors.ts'
import { CommandFailure, note, print, printJson, table, UsageError } from './output.ts'
import { withAuth } from './with-auth.ts'

export interface UserFlags {
  readonly json?: boolean
}

export interface UserListFlags extends UserFlags {
  readonly email?: string
  readonly disabled?: boolean
  readonly after?: string
  readonly limit: number
}

export interface UserCreateFlags extends UserFlags {
  readonly role: readonly string[]
  readonly passwordStdin?: boolean
}

export async function listUsers({ json, disabled, ...query }: UserListFlags): Promise<void> {
  // One more, to know whether there are others.
  const found = await withAuth('users list', ({ accounts }) =>
    accounts.list({ ...query, limit: query.limit + 1, ...(disabled === true ? { disabled } : {}) }),
  )
  const users = found.slice(0, query.limit)
  const last = users.at(-1)?.email
  if (json === true) return printJson({ users: users.map(shown), next: found.length > users.length ? last : null })
  print(users.length === 0 ? 'There is no such user.' : usersTable(users))
  if (found.length > users.length) note(`There are more: --after ${last}`)
}

function usersTable(users: readonly ListedUser[]): string {
  const rows = users.map(({ id, email, verified, disabled, roles }) => [
    id,
    email,
    disabled ? 'disabled' : verified ? 'confirmed' : 'unconfirmed',
    roles.join(', '),
  ])
  return table(['ID', 'EMAIL', 'STATE', 'ROLES'], rows)
}

function shown({ id, email, verified, disabled, roles }: ListedUser): object {
  return { id, email, verified, disabled, roles }
}

/** Without a password there is a link to choose one. */
export async function createUser(email: string, { role, passwordStdin, json }: UserCreateFlags): Promise<void> {
  const password = passwordStdin === true ? await passwordFromInput() : undefined
  const made = await withAuth('users create', ({ accounts, parts }) =>
    // All of it or nothing: a role that is misspelt leaves no account behind.
    parts.db.transaction(async () => {
      const id = await accounts.create({ email, password: password ?? randomBytes(32).toString('base64url') })
      for (const name of role) await accounts.grant(id, name)
      return { id, email, ...(password === undefined ? { link: await accounts.resetLink(id) } : {}) }
    }),
  )
  if (json === true) return printJson(made)
  print(`Made the user ${made.id}.`)
  if (made.link !== undefined) print(`A password is chosen here, within an hour: ${made.link}`)
}

/** One line, as `echo` writes it. */
async function passwordFromInput(): Promise<string> {
  const password = (await text(process.stdin)).replace(/\r?\n$/, '')
  if (password === '' || password.includes('\n')) throw new UsageError('--password-stdin takes one line from standard input.')
  return password
}

export function disableUser(who: string, flags: UserFlags): Promise<void> {
  return change('users disable', who, flags, 'disabled', ({ accounts }, { id }) => accounts.disable(id))
}

export function enableUser(who: string, flags: UserFlags): Promise<void> {
  return change('users enable', who, flags, 'enabled', ({ accounts }, { id }) => accounts.enable(id))
}

export function addRole(who: string, role: string, flags: UserFlags): Promise<void> {
  return change('users roles add', who, flags, `given the role ${role}`, ({ accounts }, { id }) => accounts.grant(id, role))
}

export function removeRole(who: string, role: string, flags: UserFlags): Promise<void> {
  return change('users roles remove', who, flags, `no ${role} any more`, ({ accounts }, { id }) => accounts.revoke(id, role))
}

/** For who has lost the telephone and the recovery codes. */
export function removeSecondFactorOf(who: string, flags: UserFlags): Promise<void> {
  return change('users remove-second-factor', who, flags, 'without a second factor', ({ accounts }, { id }) =>
    accounts.removeSecondFactor(id),
  )
}

/** @param done  goes on after the user: `disabled` */
async function change(
  command: string,
  who: string,
  { json }: UserFlags,
  done: string,
  work: (auth: Auth, user: User) => Promise<boolean>,
): Promise<void> {
  const { user, changed } = await withAuth(command, async (auth) => {
    const user = await userNamed(auth, who)
    return { user, changed: await work(auth, user) }
  })
  const { id, email } = user
  if (json === true) printJson({ id, email, changed })
  else print(changed ? `${email} is ${done}.` : `${email} was that already: nothing changed.`)
}

export async function signOutUser(who: string, { json }: UserFlags): Promise<void> {
  const { user, sessions } = await withAuth('users sign-out', async (auth) => {
    const user = await userNamed(auth, who)
    return { user, sessions: await auth.accounts.signOutEverywhere(user.id) }
  })
  if (json === true) printJson({ id: user.id, email: user.email, sessions })
  else print(`Ended ${sessions === 1 ? '1 session' : `${sessions} sessions`} of ${user.email}. API keys go on.`)
}

export async function resetLinkOf(who: string, { json }: UserFlags): Promise<void> {
  const { user, link } = await withAuth('users reset-link', async (auth) => {
    const user = await userNamed(auth, who)
    return { user, link: await auth.accounts.resetLink(user.id) }
  })
  if (link === undefined) throw new CommandFailure(`${user.email} is disabled. Enable the account first: plinth users enable ${user.email}`)
  if (json === true) printJson({ id: user.id, email: user.email, link })
  else print(link)
}

/** By address or key. @throws CommandFailure */
async function userNamed({ accounts }: Auth, who: string): Promise<User> {
  const user = who.includes('@') ? await accounts.findByEmail(who) : await accounts.find(who).catch(nobodyForNoKey)
  if (user === undefined) throw new CommandFailure(`There is no user "${who}".`)
  return user
}

/** What cannot be a key is nobody's. */
function nobodyForNoKey(error: unknown): undefined {
  if (!(error instanceof AppError) || error.code !== 'DB_INVALID_VALUE') throw error
}
