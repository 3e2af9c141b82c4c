// Steps of the protocol that a test can leave out, to see that it notices. Nothing but tests gives any of them.

export interface CacheFaults {
  /** Keeps what was read without asking for the version a second time. */
  readonly skipConfirmation?: boolean
  /** Takes an entry whatever version it was made for. */
  readonly ignoreVersion?: boolean
  /** Joins any fill of the same read that is under way, also one that began before this reader. */
  readonly joinAnyFill?: boolean
  /** Joins any question for the version that is under way. */
  readonly joinAnyQuestion?: boolean
  /** Keeps near copies over writes of this process. */
  readonly deafToOwnWrites?: boolean
  /** Keeps near copies over messages of other processes. */
  readonly deafToMessages?: boolean
  /** Takes entries of the shared store without looking at their seal. */
  readonly ignoreSeal?: boolean
  /** Uses the cache inside transactions. */
  readonly cacheInTransactions?: boolean
}
