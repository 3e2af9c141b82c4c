// A mail as data, and the one layout that all of ours have: a few sentences and a link, as text and as HTML.

export interface MailMessage {
  /** One address. */
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
}

export interface MailContent {
  readonly to: string
  readonly subject: string
  /** Plain text; each is a paragraph. */
  readonly paragraphs: readonly string[]
  /** Shown between the paragraphs and the closing. */
  readonly link?: { readonly label: string; readonly url: string }
  readonly closing?: string
}

/** Everything is escaped, so that a name with tags in it stays a name. */
export function composeMail({ to, subject, paragraphs, link, closing }: MailContent): MailMessage {
  const last = closing === undefined ? [] : [closing]
  const text = [...paragraphs, ...(link === undefined ? [] : [`${link.label}:\n${link.url}`]), ...last].join('\n\n')
  const html = [
    ...paragraphs.map(paragraph),
    ...(link === undefined ? [] : [`<p><a href="${escapeHtml(link.url)}">${escapeHtml(link.label)}</a></p>`]),
    ...last.map(paragraph),
  ].join('\n')
  return { to, subject: oneLine(subject), text: `${text}\n`, html: `<!doctype html>\n<html><body>\n${html}\n</body></html>\n` }
}

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

function paragraph(text: string): string {
  return `<p>${escapeHtml(text)}</p>`
}

/** A subject with a line break in it would be two headers. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ')
}
