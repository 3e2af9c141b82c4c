// What the fenced cache says when a write cannot be made safely.

import { defineErrors } from '../../core/errors.ts'

export const fenceErrors = defineErrors('FENCE', {
  TIMEOUT: {
    status: 503,
    summary: 'A write had to wait for the fenced cache to be switched off, and that took too long: the database or its connection is slow.',
    message: () => 'The change could not be made safe for the cache in time and was rolled back.',
    hint: () => 'Nothing was saved. Send the request again.',
  },
  MOVED: {
    status: 503,
    summary: 'The database failed over while a transaction was about to commit.',
    message: () => 'The database has just moved to another server; the change was rolled back.',
    hint: () => 'Nothing was saved. Send the request again.',
  },
  NOT_INSTALLED: {
    status: 500,
    summary: 'The database does not have what a fenced cache needs, because `plinth db upgrade` has not run since, or it was removed.',
    message: () => 'The change could not be made safe for the cache and was rolled back.',
    hint: () => 'Run: plinth db upgrade',
  },
  NOT_FENCED: {
    status: 500,
    summary: 'Code asked to fence what a transaction changes, and no resource of the application has a fenced cache.',
    message: () => 'No resource has a fenced cache.',
    hint: () => "Give one to a resource, cache: { ttl: '5m', mode: 'fenced' }, or leave out the call.",
  },
})
