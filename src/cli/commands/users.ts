// `plinth users …`: accounts of those who sign in.

import { type Command, InvalidArgumentError } from 'commander'
import type { UserCreateFlags, UserFlags, UserListFlags } from '../users-commands.ts'

const load = () => import('../users-commands.ts')
const usual = 100

export function addUsers(program: Command): void {
  const users = program.command('users').description('Looks after the accounts of those who sign in.')
  addList(users)
  addCreate(users)
  aboutOne(users, 'disable', 'Ends every session of a user, who cannot sign in from then on.', async () => (await load()).disableUser)
  aboutOne(users, 'enable', 'Lets a user sign in again.', async () => (await load()).enableUser)
  aboutOne(users, 'sign-out', 'Ends every session of a user.', async () => (await load()).signOutUser)
  aboutOne(
    users,
    'reset-link',
    'Makes a link that sets a new password, good for an hour and once. No mail is sent.',
    async () => (await load()).resetLinkOf,
  )
  aboutOne(
    users,
    'remove-second-factor',
    'Removes the second factor of a user who has lost telephone and recovery codes, and tells him by mail.',
    async () => (await load()).removeSecondFactorOf,
  )
  addRoles(users)
}

function addList(users: Command): void {
  users
    .command('list')
    .description('Lists users by address.')
    .option('--email <part>', 'only addresses with this in them, in any case')
    .option('--disabled', 'only those that are disabled')
    .option('--after <email>', 'begin behind this address')
    .option('--limit <count>', 'at most so many', wholeNumber, usual)
    .option('--json', 'print JSON')
    .action(async (flags: UserListFlags) => (await load()).listUsers(flags))
}

function addCreate(users: Command): void {
  users
    .command('create')
    .description('Makes a user with a confirmed address, and a link to choose a password.')
    .argument('<email>')
    .option('--role <name>', 'a role; may be repeated', (name: string, names: readonly string[]) => [...names, name], [])
    .option('--password-stdin', 'read the password from standard input, instead of making a link')
    .option('--json', 'print JSON')
    .action(async (email: string, flags: UserCreateFlags) => (await load()).createUser(email, flags))
}

type AboutOne = (who: string, flags: UserFlags) => Promise<void>

function aboutOne(users: Command, name: string, description: string, loadIt: () => Promise<AboutOne>): void {
  users
    .command(name)
    .description(description)
    .argument('<user>', 'address or key of the user')
    .option('--json', 'print JSON')
    .action(async (who: string, flags: UserFlags) => (await loadIt())(who, flags))
}

function addRoles(users: Command): void {
  const roles = users.command('roles').description('Gives and takes roles.')
  for (const [name, description] of [
    ['add', 'Gives a role to a user.'],
    ['remove', 'Takes a role from a user.'],
  ] as const)
    roles
      .command(name)
      .description(description)
      .argument('<user>', 'address or key of the user')
      .argument('<role>', 'name of the role')
      .option('--json', 'print JSON')
      .action(async (who: string, role: string, flags: UserFlags) => {
        const { addRole, removeRole } = await load()
        await (name === 'add' ? addRole : removeRole)(who, role, flags)
      })
}

function wholeNumber(written: string): number {
  if (!/^[1-9]\d{0,5}$/.test(written)) throw new InvalidArgumentError('It takes a number from 1 to 999999.')
  return Number(written)
}
