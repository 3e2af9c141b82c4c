// The rules of the protocol that can be left out, to see that each is needed: without it there must be a way to a stale answer.

export const rules = {
  wait: '`disabled` comes at least L after `disabling`',
  horizon: '`enabled` waits for every transaction that may have read `disabled`',
  mark: 'every script asks whether the mark `g` of the epoch is there',
  runId: 'Redis is used only while it is the process that the epoch is bound to',
  leases: 'a fence ends the leases of the row',
  holder: 'a fill needs the lease of its own reader',
  lasting: 'a lock is never evicted',
  enabling: 'writers fence in `enabling` too',
  order: 'the state is read after the transaction has its id',
  ownVariant: 'a fill needs the lease of its own variant',
  everyVariant: 'a fence ends the values and leases of every variant',
  reply: 'a hit counts only if the permission still holds when the reply is there',
} as const

export type Rule = keyof typeof rules

export const ruleNames = Object.keys(rules) as Rule[]
