// The application under test, as a user would write it.

import { anyone, defineApp, defineResource } from 'plinth'
import { authors, post_tags, posts, tags } from '../../tables.ts'

const open = { read: anyone, write: anyone }

export default defineApp({
  name: 'bench',
  models: { authors, posts, tags, post_tags },
  resources: [defineResource(authors, { access: open }), defineResource(posts, { access: open }), defineResource(tags, { access: open })],
})
