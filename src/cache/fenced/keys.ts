// How things are called in Redis. Everything of an epoch begins with `fenced:{<epoch>.<bucket>}:`. What is in braces decides where a
// cluster puts it, so a row, its epoch's mark and the list of locks are on one server, and each bucket has a mark of its own.

import { digest } from '../entry.ts'

export interface RowName {
  readonly bucket: number
  /** Oid of the table and values of the key; of bounded length. */
  readonly name: string
}

/** Longer names are told by their digest. */
const longestName = 200

/**
 * @param relation  oid of the table
 * @param key       values as PostgreSQL texts, in the order of the columns' names
 * @param buckets   of the epoch
 */
export function rowName(relation: string, key: readonly string[], buckets: number): RowName {
  const plain = `${relation}:${key.length === 1 ? key[0] : JSON.stringify(key)}`
  const name = plain.length > longestName ? `${relation}~${digest(plain)}` : plain
  return { name, bucket: buckets === 1 ? 0 : hashOf(name) % buckets }
}

/** FNV-1a: spreads rows over buckets; nothing depends on it but the load of servers. */
function hashOf(text: string): number {
  let hash = 0x81_1c_9d_c5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01_00_01_93)
  return hash >>> 0
}

const bucketKey = (epoch: string, bucket: number, what: string): string => `fenced:{${epoch}.${bucket}}:${what}`

/** There while Redis has lost nothing in this epoch. Never evicted: it has no end. */
export const markKey = (epoch: string, bucket: number): string => bucketKey(epoch, bucket, 'g')
/** Locks by the time they were taken. */
export const locksKey = (epoch: string, bucket: number): string => bucketKey(epoch, bucket, 'locks')
export const rowKey = (epoch: string, { bucket, name }: RowName): string => bucketKey(epoch, bucket, `r:${name}`)
/** What all keys of an epoch begin with, as far as all of them do. */
export const epochPrefix = (epoch: string): string => `fenced:{${epoch}.`
