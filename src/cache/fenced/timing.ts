// The times of the fenced cache, in milliseconds. Only two of them matter for what is right: a permission holds for `permission_ms` of
// the state row from before it was asked for, and whoever switches the cache off waits at least as long.

/** Between two questions for the permission. */
export const pollMs = 120
/** Without a read for so long nobody asks any more. */
export const idleMs = 30_000
/** A reader's time to read the database and fill; then another one may. */
export const leaseMs = 3_000
/** What is not there is remembered for less long: somebody may be waiting for it. */
export const absentMs = 10_000
/** A mark disappears when the enabling that has set it was given up half-way. */
export const markMs = 60_000
/** While it waits for transactions, whoever enables keeps the marks for longer. */
export const renewMs = 10_000
/** A lock is looked into after this time; a transaction holds its own for about a round trip. */
export const orphanMs = 300
export const sweepMs = 5_000
/** A write waits for the cache to be off; twice the longest that was ever measured on a loaded machine. */
export const fenceDeadlineMs = 5_000
/** Nobody enables the cache while a process that cannot fence goes on writing. */
export const holdMs = 3_000

/** What DISABLE waits: clocks may differ by 2 % in their speed, timers are late and never early. */
export function waitAfter(permissionMs: number): number {
  return permissionMs * 1.02 + 10
}
