// `Link: <…>; rel="next"`: the same list, one page on. Built from the caller's own parameters, so nothing else changes.

import type { RecordPage } from '../resource/run.ts'

/** What is known of the page after this one. */
export type PagePlace = Pick<RecordPage, 'hasMore' | 'next' | 'number'>

/** The query without its page position, ready for another to be added. */
export function linkBase(path: string, query: string): string {
  const kept = query.split('&').filter((part) => part !== '' && !/^page(\[|%5B)(number|after)(\]|%5D)/i.test(part))
  return kept.length === 0 ? `${path}?` : `${path}?${kept.join('&')}&`
}

export function nextLink(base: string, page: PagePlace): string | undefined {
  if (!page.hasMore) return undefined
  if (page.next !== undefined) return `<${base}page%5Bafter%5D=${page.next}>; rel="next"`
  return page.number === undefined ? undefined : `<${base}page%5Bnumber%5D=${page.number + 1}>; rel="next"`
}
