// The floor: `node:http`, statements written by hand, rows of `pg` as objects, `JSON.stringify`. No log, no headers, no entity tags.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Pool } from 'pg'
import { listen, offsetOf, pageSize, poolSize, settings } from './serve.ts'

const pool = new Pool({ connectionString: settings().databaseUrl, max: poolSize })
const columns = 'p.id, p.author_id, p.title, p.body, p.price, p.published_at'

interface Post {
  readonly id: number
  readonly author_id: number
}

async function rows<row extends object>(name: string, text: string, values: unknown[]): Promise<row[]> {
  return (await pool.query<row>({ name, text, values })).rows
}

async function get(id: number): Promise<Post | undefined> {
  const [post] = await rows<Post>('get', `select ${columns} from posts p where p.id = $1`, [id])
  return post
}

function list(offset: number): Promise<Post[]> {
  return rows('list', `select ${columns} from posts p order by p.id limit ${pageSize} offset $1`, [offset])
}

/** Three statements: joined into one, PostgreSQL's plan for any offset sorts the whole table (1,100 us of its CPU instead of 440). */
async function nested(offset: number): Promise<Post[]> {
  const posts = await list(offset)
  const [authors, tags] = await Promise.all([authorsOf(posts), tagsOf(posts)])
  const authorById = new Map(authors.map((author) => [author.id, author]))
  const postById = new Map(posts.map((post) => [post.id, { ...post, author: authorById.get(post.author_id), tags: [] as unknown[] }]))
  for (const { post_id, id, name } of tags) postById.get(post_id)?.tags.push({ id, name })
  return [...postById.values()]
}

function authorsOf(posts: readonly Post[]): Promise<{ id: number }[]> {
  return rows('authors', 'select id, name, email from authors where id = any($1)', [[...new Set(posts.map((post) => post.author_id))]])
}

function tagsOf(posts: readonly Post[]): Promise<{ post_id: number; id: number; name: string }[]> {
  const text = 'select pt.post_id, t.id, t.name from post_tags pt join tags t on t.id = pt.tag_id where pt.post_id = any($1)'
  return rows('tags', text, [posts.map((post) => post.id)])
}

interface NewPost {
  readonly author_id: number
  readonly title: string
  readonly body?: string | null
  readonly price: string
  readonly published_at: string
}

function isNewPost(value: Partial<NewPost> | null): value is NewPost {
  return (
    typeof value === 'object' &&
    value !== null &&
    Number.isInteger(value.author_id) &&
    typeof value.title === 'string' &&
    value.title.length <= 200 &&
    (value.body == null || typeof value.body === 'string') &&
    /^-?\d{1,8}(\.\d+)?$/.test(String(value.price)) &&
    !Number.isNaN(Date.parse(String(value.published_at)))
  )
}

async function create({ author_id, title, body, price, published_at }: NewPost): Promise<Post | undefined> {
  const [post] = await rows<Post>(
    'create',
    `insert into posts as p (author_id, title, body, price, published_at) values ($1, $2, $3, $4, $5) returning ${columns}`,
    [author_id, title, body ?? null, price, published_at],
  )
  return post
}

function send(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value))
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length }).end(body)
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString())
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = request.url ?? ''
  if (url === '/health') return send(response, 200, { status: 'ok' })
  if (request.method === 'POST' && url === '/api/posts') return answerCreate(request, response)
  const mark = url.indexOf('?')
  if (url.startsWith('/api/posts/')) return answerGet(Number(url.slice('/api/posts/'.length)), response)
  if (url.slice(0, mark) === '/api/posts') return answerList(new URLSearchParams(url.slice(mark)), response)
  send(response, 404, { error: 'not found' })
}

async function answerGet(id: number, response: ServerResponse): Promise<void> {
  const post = Number.isInteger(id) ? await get(id) : undefined
  if (post === undefined) send(response, 404, { error: 'not found' })
  else send(response, 200, post)
}

async function answerList(query: URLSearchParams, response: ServerResponse): Promise<void> {
  const offset = offsetOf(query.get('page[number]') ?? undefined)
  if (offset === undefined) send(response, 400, { error: 'no such page' })
  else send(response, 200, await (query.has('include') ? nested(offset) : list(offset)))
}

async function answerCreate(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const value = (await readJson(request)) as Partial<NewPost> | null
  if (isNewPost(value)) send(response, 201, await create(value))
  else send(response, 400, { error: 'invalid' })
}

listen(
  createServer((request, response) => {
    answer(request, response).catch((error: unknown) => send(response, 500, { error: String(error) }))
  }),
)
