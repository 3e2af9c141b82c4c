// Entity tags in `If-Match` and `If-None-Match`: `*`, one tag, or a list of them (RFC 9110, 8.8.3 and 13.1).

/** Strong comparison, for `If-Match`: a weak tag matches nothing. `etag` is strong, with its quotes. */
export function matchesStrongly(header: string, etag: string): boolean {
  return isAny(header) || tagsOf(header).some(({ weak, tag }) => !weak && tag === etag)
}

/** Weak comparison, for `If-None-Match`: a proxy that compresses may have put `W/` before a tag. */
export function matchesWeakly(header: string, etag: string): boolean {
  return isAny(header) || tagsOf(header).some(({ tag }) => tag === etag)
}

/** `*`: any version there is. */
export function isAny(header: string): boolean {
  return header.trim() === '*'
}

/** Tags are found by their quotes, between which commas may stand. */
function tagsOf(header: string): { readonly weak: boolean; readonly tag: string }[] {
  return [...header.matchAll(/(W\/)?("[^"]*")/g)].map(([, weak, tag = '']) => ({ weak: weak !== undefined, tag }))
}
