// A Markdown page as the checks need it: its headings, its links, and its code blocks with the comment that says how each is checked.

export interface Block {
  /** Line of the first line of code, counted from 1. */
  readonly line: number
  readonly language: string
  readonly code: string
  readonly directives: ReadonlyMap<Directive, string>
  /** Hidden code in front of the block, at the lines where the page has it. */
  readonly setup: { readonly line: number; readonly code: string } | undefined
}

export interface Link {
  readonly line: number
  readonly target: string
}

export interface Page {
  /** From the repository's folder. */
  readonly path: string
  readonly blocks: readonly Block[]
  readonly links: readonly Link[]
  /** Names that `#…` may point to. */
  readonly anchors: ReadonlySet<string>
  /** Comments that look like directives and are not. */
  readonly problems: readonly string[]
}

/** What a comment right before a block may say; see CONTRIBUTING.md, "Code in documentation". */
export const directives = ['app', 'background', 'file', 'output', 'run', 'skip', 'typecheck'] as const
export type Directive = (typeof directives)[number]

const fence = /^( *)(`{3,}|~{3,}) *([^\s`]*)[^\n]*\n([\s\S]*?)^\1\2 *$/gm

export function readPage(path: string, text: string): Page {
  const problems: string[] = []
  const blocks = [...text.matchAll(fence)].map((match) => blockOf(path, text, match, problems))
  const prose = blankOut(text, fence)
  return { path, blocks, links: linksIn(prose), anchors: anchorsIn(prose), problems }
}

function blockOf(path: string, text: string, match: RegExpExecArray, problems: string[]): Block {
  const [, indent = '', , language = '', code = ''] = match
  const line = lineAt(text, match.index) + 1
  const { setup, comment } = commentsBefore(text, match.index)
  const read = comment === undefined ? new Map<Directive, string>() : readDirectives(comment)
  if (read === undefined) problems.push(`${path}:${line - 1} The comment "${comment}" says nothing known: ${directives.join(', ')}.`)
  return { line, language, code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''), directives: read ?? new Map(), setup }
}

/** Up to two comments directly above a block: hidden code (`<!-- setup … -->`) and directives. */
function commentsBefore(text: string, index: number): { setup: Block['setup']; comment: string | undefined } {
  const above = /(?:<!-- setup\n((?:(?!-->)[\s\S])*)-->\s*)?(?:<!-- ((?:(?!-->)[^\n])*) -->\s*)?$/.exec(text.slice(0, index))
  const [, code, comment] = above ?? []
  if (above === null || code === undefined) return { setup: undefined, comment }
  return { setup: { line: lineAt(text, above.index) + 1, code }, comment }
}

/** `app: shop, file: api/app.ts`; the reason of `skip` may have commas. Undefined when a word is not known. */
function readDirectives(comment: string): Map<Directive, string> | undefined {
  if (comment.startsWith('skip:')) return new Map([['skip', comment.slice('skip:'.length).trim()]])
  const pairs = comment.split(',').map((part) => /^\s*([^:\s]+)(?::\s*(.*?))?\s*$/.exec(part))
  const known = pairs.flatMap((pair) => {
    const name = directives.find((one) => one === pair?.[1])
    return name === undefined ? [] : [[name, pair?.[2] ?? ''] as const]
  })
  return known.length === pairs.length ? new Map(known) : undefined
}

function linksIn(prose: string): Link[] {
  const links = blankOut(blankOut(prose, /<!--[\s\S]*?-->/g), /`[^`\n]*`/g).matchAll(/\[(?:[^\]]*)\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g)
  return [...links].map((match) => ({ line: lineAt(prose, match.index), target: match[1] ?? '' }))
}

/** As GitHub names headings: lower case, no punctuation, hyphens for spaces, a number for the second of the same name. */
function anchorsIn(prose: string): Set<string> {
  const anchors = new Set([...prose.matchAll(/<a (?:id|name)="([^"]+)"/g)].map((match) => match[1] ?? ''))
  for (const [, title = ''] of prose.matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const name = slug(title)
    const same = [...anchors].filter((anchor) => anchor === name || (/^-\d+$/.test(anchor.slice(name.length)) && anchor.startsWith(name)))
    anchors.add(same.length === 0 ? name : `${name}-${same.length}`)
  }
  return anchors
}

function slug(title: string): string {
  const text = title.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, '')
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-')
}

/** Keeps the line numbers. */
function blankOut(text: string, pattern: RegExp): string {
  return text.replaceAll(pattern, (match) => match.replaceAll(/[^\n]/g, ' '))
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}
