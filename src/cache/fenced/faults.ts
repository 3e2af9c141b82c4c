// Rules of the protocol that a test can leave out, to see that it notices. Nothing but tests leaves out any of them. They have the names
// of the model's rules (test/coherence/model/rules.ts), which says of each what goes wrong without it.

export type FencedRule =
  | 'wait'
  | 'horizon'
  | 'mark'
  | 'runId'
  | 'leases'
  | 'holder'
  | 'lasting'
  | 'enabling'
  | 'order'
  | 'ownVariant'
  | 'everyVariant'
  | 'reply'

/** True for a rule that is left out. */
export type FencedFaults = { readonly [rule in FencedRule]?: boolean }
