// O1 of the guarantees: no secret is in the log, whatever is done. Every logger of a test process writes all that it could write, down to
// `trace`, to a watcher, whatever level it has; what it writes to its stream stays as it was.

import { createRequire } from 'node:module'
import { symbols } from 'pino'

/** Passwords of the tests, and what an attacker types. No test logs them on purpose. */
const passwords = ['correct horse', 'battery staple', 'wrong horse', 'another horse', 'stable battery', 'words of a thief', 'canary-']
/** Access tokens, API keys, links with a token, hashes of passwords, card numbers, and addresses with a password in them. */
const shapes = [
  /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{20,}/,
  /\bplinth_[\da-f]{16}_[\w-]{43}/,
  /#token=[\w-]{43}/,
  /\$argon2id\$/,
  /\b4111[ -]?1111[ -]?1111[ -]?1111\b/,
  /\b\w+:\/\/[^\s/:@"]*:(?!\[hidden\]|\*|%5B)[^\s/@"]+@/,
]

export interface Leak {
  /** The secret, or what it looks like. */
  readonly secret: string
  readonly line: string
}

const leaks: Leak[] = []
const told = new Set<string>()
let lines = 0

/** A secret that a test was given: a cookie, a token. To be called with all of them. */
export function tellSecret(secret: string | undefined): void {
  if (secret !== undefined && secret.length >= 16) told.add(secret)
}

/** Tokens, keys and codes in the JSON of an answer. */
export function tellSecrets(json: string): void {
  for (const [, secret] of json.matchAll(/"(?:access_token|refresh_token|device|key|secret)":"([^"]+)"/g)) tellSecret(secret)
  for (const [, codes = ''] of json.matchAll(/"recovery_codes":\[([^\]]+)\]/g))
    for (const code of codes.split(',')) tellSecret(code.slice(1, -1))
}

/** What another process has printed: its lines of log are watched, too. What commands and development show a person is not. */
export function watchOutput(text: string): void {
  for (const line of text.split('\n')) if (line.startsWith('{"level":')) watch(line)
}

/** What was seen since the last call, and how many lines there were. */
export function takeLeaks(): { readonly leaks: readonly Leak[]; readonly lines: number } {
  const seen = { leaks: leaks.splice(0), lines }
  lines = 0
  return seen
}

function watch(line: string): void {
  lines += 1
  const found =
    passwords.find((password) => line.includes(password)) ??
    shapes.find((shape) => shape.test(line))?.source ??
    line.match(/[\w.-]{16,}/g)?.find((word) => told.has(word))
  if (found !== undefined) leaks.push({ secret: found, line: line.slice(0, 1_000) })
}

interface Stream {
  write(line: string): void
}

const { setLevelSym, getLevelSym } = symbols
const streamSym: unique symbol = symbols.streamSym as never
const asked = Symbol('the level that was asked for')

/** A logger, as far as pino's own symbols go. */
interface Logger {
  readonly levels: { readonly values: Readonly<Record<string, number>> }
  [asked]?: string
  [streamSym]: Stream
}

/** pino makes all loggers from one object. To be done once for each process, which keeps its modules from file to file. */
export function watchLogs(): void {
  const prototype = Object.getPrototypeOf((createRequire(import.meta.url)('pino/lib/proto.js') as () => object)()) as Record<
    symbol,
    unknown
  >
  const setLevel = prototype[setLevelSym] as (this: Logger, level: string) => void
  const getLevel = prototype[getLevelSym] as (this: Logger) => string
  prototype[setLevelSym] = function (this: Logger, level: string) {
    setLevel.call(this, level)
    this[asked] = level
    this[streamSym] = watching(this)
    setLevel.call(this, 'trace')
  }
  prototype[getLevelSym] = function (this: Logger) {
    return this[asked] ?? getLevel.call(this)
  }
}

const originals = new WeakMap<Stream, Stream>()

/** The logger's stream, which gets what it got before; the watcher gets all. */
function watching(logger: Logger): Stream {
  const original = originals.get(logger[streamSym]) ?? logger[streamSym]
  const write = (line: string): void => {
    watch(line)
    const [, name = '', value] = /^\{"level":(?:"(\w+)"|(\d+))/.exec(line) ?? []
    const { values } = logger.levels
    if (Number(value ?? values[name]) >= (values[logger[asked] ?? ''] ?? Infinity)) original.write(line)
  }
  const stream = new Proxy(original, {
    get(_, name) {
      if (name === 'write') return write
      const found: unknown = Reflect.get(original, name)
      return typeof found === 'function' ? found.bind(original) : found
    },
  })
  originals.set(stream, original)
  return stream
}
