// A Fastify that always answers the same bytes, those of a record: what nothing behind HTTP would cost.

import { fastify } from 'fastify'
import { ready, settings } from '../../servers/serve.ts'

const body = `{"success":true,"data":{"id":1,"author_id":2,"title":"Title of post number 1","body":"A body with some text in it, quite short, of the post \\"number 1\\".","price":"1.37","published_at":"2025-01-01T00:01:00.123Z"},"meta":{}}`

const app = fastify()
app.get('/api/posts/:id', (_request, reply) => {
  reply.header('content-type', 'application/json; charset=utf-8')
  return body
})
await app.listen({ port: settings().port, host: '127.0.0.1' })
ready()
