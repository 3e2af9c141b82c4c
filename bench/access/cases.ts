// What is compared, and what one side may cost more than the other, as data.

import type { AppName } from './app.ts'
import { type Credentials, notesOfUser } from './users.ts'

/** How a request shows who asks. */
export type Way = 'anonymous' | 'token' | 'cookie'
export type Read = 'get' | 'list'

export interface Side {
  /** A name of the notes: what policy they are read by. */
  readonly resource: 'open' | 'owned' | 'tenanted'
  readonly way: Way
}

export interface Case {
  readonly title: string
  readonly read: Read
  readonly base: Side
  readonly side: Side
  /** CPU that `side` may cost beyond that of `base`, as a part of it. */
  readonly most: number
}

const open = { resource: 'open' } as const
const reads: readonly Read[] = ['get', 'list']

export const cases: readonly Case[] = reads.flatMap((read): Case[] => [
  {
    title: 'signed in with a token',
    read,
    base: { ...open, way: 'anonymous' },
    side: { ...open, way: 'token' },
    most: 0.15,
  },
  {
    title: 'signed in with a cookie',
    read,
    base: { ...open, way: 'anonymous' },
    side: { ...open, way: 'cookie' },
    most: 0.15,
  },
  {
    title: "policy `owner('author_id')`",
    read,
    base: { ...open, way: 'token' },
    side: { resource: 'owned', way: 'token' },
    most: 0.1,
  },
  {
    title: "`tenant: 'organization_id'` with row-level security",
    read,
    base: { ...open, way: 'token' },
    side: { resource: 'tenanted', way: 'token' },
    most: 0.1,
  },
])

/** The application that has a resource. */
export function appOf({ resource }: Side): AppName {
  return resource === 'tenanted' ? 'tenants' : 'policies'
}

const variants = 1_000
const pageSize = 50

/** Requests as they go over the wire; each user asks for notes of his own. */
export function requestsOf({ resource, way }: Side, read: Read, users: readonly Credentials[]): string[] {
  return Array.from({ length: variants }, (_, nth) => {
    const place = nth % users.length
    const user = users[place]
    const key = 1 + place * notesOfUser + ((nth * 7919) % notesOfUser)
    const path = read === 'get' ? `/api/${resource}/${key}` : `/api/${resource}?page[size]=${pageSize}`
    return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nUser-Agent: bench\r\n${shown(way, user)}\r\n`
  })
}

function shown(way: Way, user: Credentials | undefined): string {
  if (way === 'anonymous' || user === undefined) return ''
  return way === 'token' ? `Authorization: Bearer ${user.token}\r\n` : `Cookie: ${user.cookie}\r\n`
}
