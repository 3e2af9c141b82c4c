// Fastify and Drizzle as an engineer who cares writes them: prepared queries, response schemas for fast-json-stringify, nothing else on.

import { fastify } from 'fastify'
import { drizzle } from 'drizzle-orm/node-postgres'
import { Pool } from 'pg'
import { asc, defineRelations, eq, sql } from 'plinth/db'
import { authors, post_tags, posts, tags } from '../tables.ts'
import { offsetOf, pageSize, poolSize, ready, settings } from './serve.ts'

const relations = defineRelations({ authors, posts, tags, post_tags }, (r) => ({
  posts: {
    author: r.one.authors({ from: r.posts.author_id, to: r.authors.id, optional: false }),
    tags: r.many.tags({ from: r.posts.id.through(r.post_tags.post_id), to: r.tags.id.through(r.post_tags.tag_id) }),
  },
}))

const { databaseUrl, port } = settings()
const db = drizzle({ client: new Pool({ connectionString: databaseUrl, max: poolSize }), relations })

const queries = {
  get: db
    .select()
    .from(posts)
    .where(eq(posts.id, sql.placeholder('id')))
    .prepare('get'),
  list: db.select().from(posts).orderBy(asc(posts.id)).limit(pageSize).offset(sql.placeholder('offset')).prepare('list'),
  nested: db.query.posts
    .findMany({ with: { author: true, tags: true }, orderBy: { id: 'asc' }, limit: pageSize, offset: sql.placeholder('offset') })
    .prepare('nested'),
  create: db
    .insert(posts)
    .values({
      author_id: sql.placeholder('author_id'),
      title: sql.placeholder('title'),
      body: sql.placeholder('body'),
      price: sql.placeholder('price'),
      published_at: sql.placeholder('published_at'),
    })
    .returning()
    .prepare('create'),
}

const post = {
  id: { type: 'integer' },
  author_id: { type: 'integer' },
  title: { type: 'string' },
  body: { type: 'string', nullable: true },
  price: { type: 'string' },
  published_at: { type: 'string', format: 'date-time' },
} as const

const author = { type: 'object', properties: { id: { type: 'integer' }, name: { type: 'string' }, email: { type: 'string' } } } as const
const tag = { type: 'object', properties: { id: { type: 'integer' }, name: { type: 'string' } } } as const
const flatPost = { type: 'object', properties: post } as const
/** A flat post has neither author nor tags, and fast-json-stringify leaves out what is not there. */
const postList = { type: 'array', items: { type: 'object', properties: { ...post, author, tags: { type: 'array', items: tag } } } } as const

const newPost = {
  type: 'object',
  required: ['author_id', 'title', 'price', 'published_at'],
  additionalProperties: false,
  properties: {
    author_id: { type: 'integer' },
    title: { type: 'string', maxLength: 200 },
    body: { type: 'string', nullable: true },
    price: { type: 'string', pattern: '^-?\\d{1,8}(\\.\\d+)?$' },
    published_at: { type: 'string', format: 'date-time' },
  },
} as const

interface NewPost {
  readonly author_id: number
  readonly title: string
  readonly body?: string | null
  readonly price: string
  readonly published_at: string
}

const app = fastify()

app.get<{ Params: { id: number } }>(
  '/api/posts/:id',
  { schema: { params: { type: 'object', properties: { id: { type: 'integer' } } }, response: { 200: flatPost } } },
  async (request, reply) => {
    const [found] = await queries.get.execute({ id: request.params.id })
    return found ?? reply.code(404).send({ error: 'not found' })
  },
)

app.get<{ Querystring: { 'page[number]'?: number; include?: string } }>(
  '/api/posts',
  {
    schema: {
      querystring: { type: 'object', properties: { 'page[number]': { type: 'integer', minimum: 1 }, include: { type: 'string' } } },
      response: { 200: postList },
    },
  },
  (request) => {
    const query = request.query.include === undefined ? queries.list : queries.nested
    return query.execute({ offset: offsetOf(request.query['page[number]']) })
  },
)

app.post<{ Body: NewPost }>('/api/posts', { schema: { body: newPost, response: { 201: flatPost } } }, async (request, reply) => {
  const { body } = request
  const [created] = await queries.create.execute({ ...body, body: body.body ?? null, published_at: new Date(body.published_at) })
  return reply.code(201).send(created)
})

app.get('/health', { schema: { response: { 200: { type: 'object', properties: { status: { type: 'string' } } } } } }, () => ({
  status: 'ok',
}))

await app.listen({ port, host: '127.0.0.1' })
ready()
