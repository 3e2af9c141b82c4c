// Cuts a SQL file into statements, so that each can be run and named on its own. Knows strings, quoted names, dollar quotes, nested
// comments, parentheses and BEGIN ATOMIC bodies; what is left open is passed on as it is, PostgreSQL says what is wrong with it.

export interface SqlStatement {
  /** Without the semicolon, with its comments. */
  readonly sql: string
  /** From 1. */
  readonly number: number
  /** Line of the file where it begins (behind comments), from 1. */
  readonly line: number
  /** That line, trimmed, at most 120 characters. */
  readonly firstLine: string
  /** First words in upper case: `CREATE INDEX CONCURRENTLY`; for decisions, not for display. */
  readonly keywords: string
}

type TokenKind = 'space' | 'text' | 'word' | 'semicolon' | 'open' | 'close'

interface Token {
  readonly kind: TokenKind
  readonly start: number
  readonly end: number
}

/** One alternative per token, tried in this order at each position; the rest of the input is a token when a quote is not closed. */
const tokenPattern = new RegExp(
  [
    String.raw`(?<space>\s+|--[^\n]*)`,
    String.raw`(?<text>[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$))`,
    String.raw`(?<dollar>\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)`,
    String.raw`(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`,
    String.raw`(?<semicolon>;)|(?<open>[([])|(?<close>[)\]])`,
    String.raw`(?<other>\$?\d[\w.]*|[\s\S])`,
  ].join('|'),
  'y',
)

/** Statements of a file, in order; comments alone are none. */
export function splitStatements(source: string): SqlStatement[] {
  const statements: SqlStatement[] = []
  let tokens: Token[] = []
  let depth = 0
  let bodies = 0
  const lineOf = lineCounter(source)
  const finish = (end: number): void => {
    const statement = makeStatement(source, tokens, end, statements.length + 1, lineOf)
    if (statement) statements.push(statement)
    tokens = []
    depth = 0
    bodies = 0
  }
  for (const token of tokenize(source)) {
    if (token.kind === 'semicolon' && depth === 0 && bodies === 0) {
      finish(token.start)
      continue
    }
    tokens.push(token)
    if (token.kind === 'open') depth++
    if (token.kind === 'close') depth = Math.max(0, depth - 1)
    if (token.kind === 'word') bodies = Math.max(0, bodies + bodyStep(source, tokens, bodies))
  }
  finish(source.length)
  return statements
}

function* tokenize(source: string): Generator<Token> {
  let start = 0
  while (start < source.length) {
    const end = source.startsWith('/*', start) ? commentEnd(source, start) : undefined
    const token = end === undefined ? tokenAt(source, start) : { kind: 'space' as const, start, end }
    yield token
    start = token.end
  }
}

function tokenAt(source: string, start: number): Token {
  tokenPattern.lastIndex = start
  const groups = tokenPattern.exec(source)?.groups ?? {}
  const [name, text] = Object.entries(groups).find(([, value]) => value !== undefined) ?? ['other', source.slice(start)]
  if (name === 'dollar') {
    const close = source.indexOf(text, start + text.length)
    return { kind: 'text', start, end: close === -1 ? source.length : close + text.length }
  }
  return { kind: name === 'other' ? 'text' : (name as TokenKind), start, end: start + text.length } // the other group names are token kinds
}

/** Comments nest in PostgreSQL. */
function commentEnd(source: string, start: number): number {
  const marks = /\/\*|\*\//g
  marks.lastIndex = start
  let depth = 0
  for (let mark = marks.exec(source); mark !== null; mark = marks.exec(source)) {
    depth += mark[0] === '/*' ? 1 : -1
    if (depth === 0) return marks.lastIndex
  }
  return source.length
}

/** +1 for BEGIN ATOMIC (and CASE inside one), -1 for its END: only there do semicolons belong to a statement. As psql does it. */
function bodyStep(source: string, tokens: readonly Token[], bodies: number): number {
  const word = wordAt(source, tokens.at(-1))
  if (word === 'ATOMIC')
    return previousWord(source, tokens) === 'BEGIN' && /^CREATE (OR REPLACE )?(FUNCTION|PROCEDURE)/.test(leading(source, tokens)) ? 1 : 0
  if (bodies === 0) return 0
  return word === 'CASE' ? 1 : word === 'END' ? -1 : 0
}

function wordAt(source: string, token: Token | undefined): string {
  return token === undefined ? '' : source.slice(token.start, token.end).toUpperCase()
}

function previousWord(source: string, tokens: readonly Token[]): string {
  return wordAt(
    source,
    tokens.slice(0, -1).findLast(({ kind }) => kind !== 'space'),
  )
}

function leading(source: string, tokens: readonly Token[]): string {
  const words = tokens.filter(({ kind }) => kind !== 'space').slice(0, 5)
  return words.map((token) => wordAt(source, token)).join(' ')
}

/** Line numbers of positions that only grow. */
function lineCounter(source: string): (position: number) => number {
  let line = 1
  let next = source.indexOf('\n')
  return (position) => {
    for (; next !== -1 && next < position; next = source.indexOf('\n', next + 1)) line++
    return line
  }
}

function makeStatement(
  source: string,
  tokens: readonly Token[],
  end: number,
  number: number,
  lineOf: (position: number) => number,
): SqlStatement | undefined {
  const [first] = tokens
  const code = tokens.find(({ kind }) => kind !== 'space')
  if (first === undefined || code === undefined) return undefined
  const lineEnd = source.indexOf('\n', code.start)
  const firstLine = source.slice(code.start, lineEnd === -1 ? end : Math.min(end, lineEnd))
  return {
    sql: source.slice(first.start, end).trim(),
    number,
    line: lineOf(code.start),
    firstLine: firstLine.trim().slice(0, 120),
    keywords: leading(source, tokens),
  }
}
