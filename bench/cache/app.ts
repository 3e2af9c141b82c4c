// The application whose cache is measured, in each of its ways.

import { anyone, type AppDefinition, defineApp, defineResource, type ResourceOptions } from 'plinth'
import { authors, post_tags, posts, tags } from '../tables.ts'

const ways = {
  none: undefined,
  verified: '10m',
  near: { ttl: '10m', near: '1m' },
  fenced: { ttl: '10m', mode: 'fenced' },
} as const satisfies Record<string, ResourceOptions['cache']>

export type CacheWay = keyof typeof ways

export function isCacheWay(text: string): text is CacheWay {
  return Object.hasOwn(ways, text)
}

const open = { read: anyone, write: anyone }

export function cachedApp(way: CacheWay): AppDefinition {
  const cache = ways[way]
  return defineApp({
    name: 'bench',
    models: { authors, posts, tags, post_tags },
    resources: [
      defineResource(authors, { access: open }),
      defineResource(posts, { access: open, ...(cache === undefined ? {} : { cache }) }),
      defineResource(tags, { access: open }),
    ],
  })
}
