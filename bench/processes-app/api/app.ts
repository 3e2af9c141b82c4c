// What several processes are measured with: records from near copies, and lists whose rows go through a hook, which is work for Node.

import { anyone, defineApp, defineResource } from 'plinth'
import { authors, post_tags, posts, tags } from '../../tables.ts'

const open = { read: anyone }

export default defineApp({
  name: 'bench',
  models: { authors, posts, tags, post_tags },
  resources: [
    defineResource(posts, { access: open, cache: { ttl: '10m', near: '1m' } }),
    defineResource(authors, { access: open, hooks: { serialize: (row) => ({ ...row, greeting: `Dear ${row.name},` }) } }),
    defineResource(tags, { access: open }),
  ],
})
