// Secrets never reach the log: fields are hidden by name, passwords in URLs and secrets in query strings by shape.

const hidden = '[hidden]'

const secretName =
  /^(?:proxy-)?authorization$|cookie|passw(?:or)?d|passphrase|secret|token|credential|(?:^|[_-])(?:otp|pin|pwd|csrf|jwt)(?:$|[_-])|[_-]key$|^apikey$|^(?:database|redis|amqp|mail)_?url$|signature/i
const camelCaseKey = /[a-z\d]Key$/
/** Names that end in "key" and hold no secret. */
const harmlessName = /^(?:primary|foreign|cache|sort|partition|unique|record)[_-]?key$/i

const urlPassword = /(:\/\/[^\s:/@]*:)[^\s@]+(?=@)/g
const querySecret = /([?&;](?:[^=&\s]*(?:token|secret|passw(?:or)?d|key|signature|credential|otp)[^=&\s]*|code|state|sig|jwt)=)[^&\s#"]+/gi

/** Deepest level that is searched; what lies below is cut by the logger anyway. */
const deepest = 5

// Names come from code and from few headers, so nearly every look-up is a hit: 20 ns instead of the 150 ns of the pattern.
const known = new Map<string, boolean>()

/** Whether a field of this name is hidden in logs and in `plinth doctor`. */
export function isSecretName(name: string): boolean {
  let secret = known.get(name)
  if (secret !== undefined) return secret
  secret = (secretName.test(name) || camelCaseKey.test(name)) && !harmlessName.test(name)
  if (known.size < 2_000) known.set(name, secret)
  return secret
}

/** `text` without the passwords of URLs and the secret parameters of query strings. */
export function redactText(text: string): string {
  const withoutPasswords = text.includes('://') ? text.replace(urlPassword, `$1${hidden}`) : text
  return withoutPasswords.includes('=') ? withoutPasswords.replace(querySecret, `$1${hidden}`) : withoutPasswords
}

/** A function that hides `values` in finished lines, plain or escaped as JSON escapes them. */
export function hideValues(values: readonly string[]): (lines: string) => string {
  const written = [...new Set(values.flatMap((value) => [value, JSON.stringify(value).slice(1, -1)]))]
  return (lines) => written.reduce((text, value) => (text.includes(value) ? text.replaceAll(value, hidden) : text), lines)
}

/** The same fields with secrets hidden. The object itself when nothing had to be; a copy otherwise, never a change. */
export function redact<fields extends object>(fields: fields): fields {
  return redactLevel(fields, 0)
}

function redactLevel<value extends object>(value: value, depth: number): value {
  let copy: Record<string, unknown> | undefined
  for (const name in value) {
    const field: unknown = value[name]
    const shown = isSecretName(name) && field !== undefined && field !== null ? hidden : redactValue(field, depth)
    if (shown === field) continue
    copy ??= (Array.isArray(value) ? [...value] : { ...value }) as unknown as Record<string, unknown>
    copy[name] = shown
  }
  return (copy ?? value) as value
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value !== 'object' || value === null || depth >= deepest || !isPlain(value)) return value
  return redactLevel(value, depth + 1)
}

/** Errors, buffers, dates and other classes have serializers of their own. */
function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
