// JSON that has one meaning: what two readers could understand differently, or what PostgreSQL cannot store, is refused.

import { isUtf8 } from 'node:buffer'

export interface JsonLimits {
  /** Deepest nesting of arrays and objects. Also bounds our recursion. */
  readonly depth: number
  /** Most keys of one object. */
  readonly keys: number
  /** Most items of one array. */
  readonly arrayItems: number
}

export const defaultJsonLimits: JsonLimits = { depth: 64, keys: 1_000, arrayItems: 10_000 }

/** Why a text was refused. `message` completes the sentence "The body is not acceptable JSON: …". */
export class JsonProblem extends Error {
  /** Byte, from 0, where reading stopped. */
  readonly position: number
  /** Where in the value that is: `items[3].price`; empty at the top. */
  readonly path: string

  constructor(message: string, position: number, path: string) {
    super(message)
    this.name = 'JsonProblem'
    this.position = position
    this.path = path
  }
}

/**
 * Parses the bytes of a request body.
 *
 * Refused beyond what `JSON.parse` refuses: bytes that are not UTF-8, NUL and lone surrogates in strings, the same key twice,
 * `__proto__`, `constructor` and `prototype` with an object in it, numbers too large for a double, and what is over the limits.
 * Our own pass over the text (2 ns per byte) checks the whole grammar, so that each refusal knows its place; `JSON.parse` then builds the value.
 *
 * @throws JsonProblem
 * @see RFC 8259; RFC 7493 (I-JSON), which forbids the same
 */
export function parseJson(bytes: Buffer, limits: JsonLimits = defaultJsonLimits): unknown {
  if (!isUtf8(bytes)) throw new JsonProblem('it is not UTF-8', firstBadByte(bytes), '')
  const text = bytes.toString('utf8')
  new Scanner(text, limits).document()
  return JSON.parse(text)
}

/** Objects with at most this many keys are searched for duplicates in order; a set pays off above. */
const fewKeys = 16

/** One recursive walk over the text, at most `limits.depth` deep. Builds nothing but the keys. */
class Scanner {
  readonly #text: string
  readonly #limits: JsonLimits
  /** Keys and indexes that lead to where we are. */
  readonly #path: (string | number)[] = []
  #at = 0

  constructor(text: string, limits: JsonLimits) {
    this.#text = text
    this.#limits = limits
  }

  document(): void {
    this.#space()
    if (this.#at === this.#text.length) this.#refuse('it is empty')
    this.#value()
    this.#space()
    if (this.#at < this.#text.length) this.#refuse('there is more after its end')
  }

  #value(): void {
    const code = this.#text.charCodeAt(this.#at)
    if (code === 34 /* " */) this.#string()
    else if (code === 123 /* { */) this.#object()
    else if (code === 91 /* [ */) this.#array()
    else if (code === 45 /* - */ || isDigit(code)) this.#number()
    else if (code === 116 /* t */) this.#word('true')
    else if (code === 102 /* f */) this.#word('false')
    else if (code === 110 /* n */) this.#word('null')
    else this.#unexpected('a value')
  }

  #object(): void {
    const keys: string[] = []
    let set: Set<string> | undefined
    this.#open()
    if (this.#closes(125 /* } */)) return
    const place = this.#path.length
    for (;;) {
      if (this.#text.charCodeAt(this.#at) !== 34) this.#unexpected('a key in double quotes')
      const key = this.#key()
      this.#path[place] = key
      if (keys.length === fewKeys) set ??= new Set(keys)
      if (set === undefined ? keys.includes(key) : set.has(key)) this.#refuse(`the key ${quote(key)} is there twice`)
      if (set === undefined) keys.push(key)
      else set.add(key)
      if ((set?.size ?? keys.length) > this.#limits.keys) this.#refuse(`an object has more than ${this.#limits.keys} keys`)
      this.#colon()
      if (isDangerous(key, this.#text.charCodeAt(this.#at))) this.#refuse(`the key ${quote(key)} is not allowed`)
      this.#value()
      this.#space()
      if (this.#ends(125, 'a comma or }')) break
    }
    this.#path.length = place
  }

  #array(): void {
    this.#open()
    if (this.#closes(93 /* ] */)) return
    const place = this.#path.length
    for (let index = 0; ; index += 1) {
      this.#path[place] = index
      if (index >= this.#limits.arrayItems) this.#refuse(`an array has more than ${this.#limits.arrayItems} items`)
      this.#value()
      this.#space()
      if (this.#ends(93, 'a comma or ]')) break
    }
    this.#path.length = place
  }

  #open(): void {
    if (this.#path.length >= this.#limits.depth) this.#refuse(`it is nested more than ${this.#limits.depth} deep`)
    this.#at += 1
    this.#space()
  }

  /** Whether the container just opened is closed at once. */
  #closes(closer: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== closer) return false
    this.#at += 1
    return true
  }

  /** Steps over `,` or the closer; true for the closer. */
  #ends(closer: number, wanted: string): boolean {
    const code = this.#text.charCodeAt(this.#at)
    if (code !== closer && code !== 44 /* , */) this.#unexpected(wanted)
    this.#at += 1
    if (code === closer) return true
    this.#space()
    return false
  }

  #colon(): void {
    this.#space()
    if (this.#text.charCodeAt(this.#at) !== 58 /* : */) this.#unexpected('a colon')
    this.#at += 1
    this.#space()
  }

  #key(): string {
    const start = this.#at
    const escaped = this.#string()
    return escaped ? (JSON.parse(this.#text.slice(start, this.#at)) as string) : this.#text.slice(start + 1, this.#at - 1)
  }

  /** @returns whether the string has escapes */
  #string(): boolean {
    const text = this.#text
    let at = this.#at + 1
    let escaped = false
    for (;;) {
      const code = text.charCodeAt(at)
      if (code === 34) break
      if (code >= 32 && code !== 92) {
        at += 1
        continue
      }
      this.#at = at
      if (at >= text.length) this.#refuse('it ends inside a string')
      if (code !== 92 /* \ */) this.#refuse('a string has a control character that is not escaped')
      this.#escape()
      at = this.#at
      escaped = true
    }
    this.#at = at + 1
    return escaped
  }

  #escape(): void {
    const code = this.#text.charCodeAt(this.#at + 1)
    if (code !== 117 /* u */) {
      if (!isSimpleEscape(code)) this.#refuse('a string has an unknown escape')
      this.#at += 2
      return
    }
    const unit = this.#unicodeEscape()
    if (unit === 0) this.#refuse('a string has a NUL character')
    if (unit >= 0xdc00 && unit <= 0xdfff) this.#refuse('a string has half of a surrogate pair')
    this.#at += 6
    if (unit < 0xd800 || unit > 0xdbff) return
    const low = this.#text.startsWith('\\u', this.#at) ? this.#unicodeEscape() : 0
    if (low < 0xdc00 || low > 0xdfff) this.#refuse('a string has half of a surrogate pair')
    this.#at += 6
  }

  #unicodeEscape(): number {
    const digits = this.#text.slice(this.#at + 2, this.#at + 6)
    if (!/^[\da-f]{4}$/i.test(digits)) this.#refuse('a string has an unknown escape')
    return Number.parseInt(digits, 16)
  }

  #number(): void {
    const start = this.#at
    if (this.#text.charCodeAt(this.#at) === 45) this.#at += 1
    if (this.#text.charCodeAt(this.#at) === 48 /* 0 */) this.#at += 1
    else this.#digits()
    if (this.#text.charCodeAt(this.#at) === 46 /* . */) {
      this.#at += 1
      this.#digits()
    }
    const exponent = (this.#text.charCodeAt(this.#at) | 32) === 101 /* e */
    if (exponent) this.#exponent()
    if ((exponent || this.#at - start > 300) && !Number.isFinite(Number(this.#text.slice(start, this.#at))))
      this.#refuse('a number is too large')
  }

  #exponent(): void {
    this.#at += 1
    const sign = this.#text.charCodeAt(this.#at)
    if (sign === 43 /* + */ || sign === 45) this.#at += 1
    this.#digits()
  }

  #digits(): void {
    if (!isDigit(this.#text.charCodeAt(this.#at))) this.#unexpected('a digit')
    while (isDigit(this.#text.charCodeAt(this.#at))) this.#at += 1
  }

  #word(word: string): void {
    if (!this.#text.startsWith(word, this.#at)) this.#unexpected('a value')
    this.#at += word.length
  }

  #space(): void {
    let code = this.#text.charCodeAt(this.#at)
    while (code === 32 || code === 10 || code === 13 || code === 9) {
      this.#at += 1
      code = this.#text.charCodeAt(this.#at)
    }
  }

  #unexpected(wanted: string): never {
    this.#refuse(this.#at >= this.#text.length ? `it ends where ${wanted} should be` : `${wanted} was expected`)
  }

  #refuse(message: string): never {
    throw new JsonProblem(message, Buffer.byteLength(this.#text.slice(0, this.#at)), pathText(this.#path))
  }
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

function isSimpleEscape(code: number): boolean {
  return code === 34 || code === 92 || code === 47 || code === 98 || code === 102 || code === 110 || code === 114 || code === 116
}

/** Keys by which a careless merge would reach a prototype. `constructor` and `prototype` are words; only an object under them is a way. */
function isDangerous(key: string, valueStart: number): boolean {
  return key === '__proto__' || (valueStart === 123 && (key === 'constructor' || key === 'prototype'))
}

function quote(key: string): string {
  return JSON.stringify(key.length > 64 ? `${key.slice(0, 64)}…` : key)
}

function pathText(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, step) => (typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`), '')
}

/** Where decoding had to put a replacement character, or a byte or two after; only for the message. */
function firstBadByte(bytes: Buffer): number {
  const replaced = Buffer.from(bytes.toString('utf8'))
  let at = 0
  while (at < bytes.length && bytes[at] === replaced[at]) at += 1
  return at
}
