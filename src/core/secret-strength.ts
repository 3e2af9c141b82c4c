// Whether a signing secret is one: long, random, and not the one from an example.

const leastLength = 32
/** Estimated bits. 32 random hex digits have 128; the estimate of such a string is at least 110 in practice. */
const leastBits = 96

const placeholder =
  /change[-_ ]?(?:me|this|it)|secret|passw(?:or)?d|example|default|insecure|replace|placeholder|your[-_ ]|qwert|123456|abcdef|xxxxx|^(?:dev|test|local|prod)(?:[-_]|$)/i

/** The command that makes a good secret; Node is there when Plinth is. */
export const secretCommand = `node -p "require('crypto').randomBytes(32).toString('base64url')"`

/** What is wrong with a secret, without showing any of it; undefined when it will do. */
export function secretProblem(secret: string): string | undefined {
  if (secret.length < leastLength) return `is too short: ${secret.length} characters, at least ${leastLength} are needed`
  if (placeholder.test(secret)) return 'looks like a placeholder, not like a random value'
  if (estimatedBits(secret) < leastBits) return 'is too regular to be random'
  return undefined
}

/** Shannon's estimate from the frequency of characters, at most that of the smallest period the text repeats with. */
function estimatedBits(secret: string): number {
  const period = (secret + secret).indexOf(secret, 1)
  const part = secret.slice(0, period)
  const counts = new Map<string, number>()
  for (const character of part) counts.set(character, (counts.get(character) ?? 0) + 1)
  const perCharacter = [...counts.values()].reduce((bits, count) => bits - (count / part.length) * Math.log2(count / part.length), 0)
  return perCharacter * part.length
}

const commonPasswords = new Set([
  'postgres',
  'password',
  'passwd',
  'admin',
  'root',
  'secret',
  'changeme',
  'change-me',
  'change_me',
  'example',
  'default',
  'test',
  'guest',
  'plinth',
  '123456',
  '12345678',
])

/** Whether a database password is one that everybody tries first. */
export function isCommonPassword(password: string): boolean {
  return commonPasswords.has(password.toLowerCase())
}
