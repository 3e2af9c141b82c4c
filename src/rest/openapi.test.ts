// The document: complete, true to the registry, with examples that fit, and to a public linter's taste.

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { any, anyone, defineApp, defineResource, not, owner, role, signedIn, where } from 'plinth'
import { integer, json, pgTable, serial, text } from 'plinth/db'
import { describe, expect, test } from 'vitest'
import { blog } from '../../test/support/blog.ts'
import { compileDocument } from '../../test/support/openapi.ts'
import { readRegistry } from '../app/create.ts'
import type { AppDefinition } from '../app/define.ts'
import { describeRoutes } from '../app/describe.ts'
import { readConfig } from '../core/env.ts'
import { cursorKey } from '../resource/cursor.ts'
import { type Engine, prepareList } from '../resource/run.ts'
import { type DescribedApp, openapiDocument } from './openapi.ts'
import { readListQuery } from './read-query.ts'
import { replyFormats, type ReplyFormatName } from './reply-format.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- a test looks into a document whose shape it is about to check
type Json = any

const require = createRequire(import.meta.url)
const formats: readonly ReplyFormatName[] = ['envelope', 'bare', 'problem']

function documentOf(definition: AppDefinition = blog(), more: Partial<DescribedApp> = {}): Json {
  const format = replyFormats[definition.options.replies ?? 'envelope']
  return openapiDocument({ name: 'Blog', version: '1.2.3', prefix: '/api', format, registry: readRegistry(definition), ...more })
}

const hello = {
  method: 'POST',
  url: '/hello/:name',
  schema: { summary: 'Greet', querystring: { loud: { type: 'boolean' } }, body: { type: 'object' } },
}

describe.each(formats)('the document with %s replies', (format) => {
  const document = documentOf(blog({}, { replies: format }), { customRoutes: [hello], format: replyFormats[format], limited: true })

  test('has nothing that a public linter complains of', async () => {
    expect(await lint(document)).toContain('Your API description is valid')
  })

  test('has examples that fit their schemas', () => {
    const { examples, fits } = compileDocument(document)
    expect(examples.length).toBeGreaterThan(80)
    for (const { pointer, value } of examples) expect(fits(pointer, value), pointer).toEqual([])
  })
})

/** What the linter says, without colours. @throws with its complaints */
async function lint(document: Json): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plinth-openapi-'))
  const file = join(folder, 'openapi.json')
  await writeFile(file, JSON.stringify(document))
  // The licence of an application's API is the application's business.
  const args = [require.resolve('@redocly/cli/bin/cli.js'), 'lint', '--max-problems=20', '--skip-rule=info-license', file]
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', NO_COLOR: '1' }
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: 25_000, env })
    expect(stdout + stderr).not.toMatch(/warning/i)
    return stdout + stderr
  } finally {
    await rm(folder, { recursive: true })
  }
}

test('every route of the application is in the document, and nothing else', async () => {
  const definition = blog()
  const routes = await describeRoutes(definition, readConfig({ APP_ENV: 'testing' }, tmpdir()))
  const answered = routes
    .filter(({ path }) => !path.startsWith('/docs'))
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
  expect(operationsOf(documentOf(definition)).toSorted()).toEqual([...new Set(answered)].toSorted())
})

function operationsOf({ paths }: Json): string[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item as object)
      .filter((key) => key !== 'parameters')
      .map((method) => `${method.toUpperCase()} ${path}`),
  )
}

test('operation ids are unique', () => {
  const ids = Object.values(documentOf().paths).flatMap((item: Json) =>
    Object.values(item).flatMap((operation: Json) => operation.operationId ?? []),
  )
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids).toContain('patchManyPosts')
})

describe('filters', () => {
  const engine: Engine = { db: undefined as never, registry: readRegistry(blog()), cursorKey: cursorKey('secret') }
  const resources = [...engine.registry.resources.values()]
  const operators = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'nin', 'contains', 'starts', 'ends', 'null', 'between', 'has']
  const accepts = (
    resource: Engine['registry']['resources'] extends ReadonlyMap<string, infer value> ? value : never,
    name: string,
    value: string,
  ): boolean => {
    try {
      prepareList(engine, resource, readListQuery(`${encodeURIComponent(name)}=${encodeURIComponent(value)}`))
      return true
    } catch {
      return false
    }
  }

  test.each(resources)('of "$name" are documented exactly as the engine takes them', (resource) => {
    const listed = parametersOf(documentOf(), `/api/${resource.name}`)
    const possible = resource.visible.flatMap((field) => {
      const one = String(
        typeof field.kind.example(field) === 'object' ? JSON.stringify(field.kind.example(field)) : field.kind.example(field),
      )
      return operators
        .filter((operator) => accepts(resource, `filter[${field.name}][${operator}]`, valueFor(operator, one)))
        .map((operator) => filterName(field.name, operator))
    })
    const related = [...resource.relations.keys()].map((name) => `filter[${name}][null]`)
    expect(listed.filter((name) => name.startsWith('filter')).toSorted()).toEqual([...possible, ...related].toSorted())
  })

  function filterName(field: string, operator: string): string {
    return operator === 'eq' ? `filter[${field}]` : `filter[${field}][${operator}]`
  }

  function valueFor(operator: string, example: string): string {
    if (operator === 'null') return 'true'
    return operator === 'between' ? `${example},${example}` : example
  }
})

function parametersOf(document: Json, path: string): string[] {
  return document.paths[path].get.parameters.map(
    (parameter: Json) => parameter.name ?? document.components.parameters[parameter.$ref.split('/').at(-1)].name,
  )
}

test('search and deleted are documented where they exist only', () => {
  const document = documentOf()
  expect(parametersOf(document, '/api/posts')).toContain('search')
  expect(parametersOf(document, '/api/posts')).not.toContain('deleted')
  expect(parametersOf(document, '/api/comments')).toContain('deleted')
  expect(parametersOf(document, '/api/comments')).not.toContain('search')
})

test('values have the types that replies have', () => {
  const { posts, comments } = { posts: documentOf().components.schemas.Post, comments: documentOf().components.schemas.Comment }
  expect(posts.properties.id).toMatchObject({ type: 'integer', readOnly: true })
  expect(posts.properties.views).toMatchObject({ type: 'string', format: 'int64' })
  expect(posts.properties.price).toMatchObject({ type: ['string', 'null'] })
  expect(posts.properties.author).toMatchObject({ anyOf: [{ $ref: '#/components/schemas/Author' }, { type: 'null' }] })
  expect(posts.properties.comments).toMatchObject({ type: 'array', items: { $ref: '#/components/schemas/Comment' } })
  expect(posts.required).not.toContain('author')
  expect(comments.properties.deleted_at).toMatchObject({ readOnly: true })
})

test('hidden fields are nowhere, and read-only ones in no body', () => {
  const document = documentOf()
  expect(JSON.stringify(document)).not.toContain('secret')
  expect(Object.keys(document.components.schemas.PostCreate.properties)).not.toContain('created_at')
  expect(document.components.schemas.PostCreate.required).toEqual(['title'])
  expect(document.components.schemas.RatingBulkPatch.required).toEqual(['post_id', 'critic'])
})

test('closed operations are not documented', () => {
  const document = documentOf(blog({ tags: { access: { read: anyone } } }))
  expect(Object.keys(document.paths['/api/tags'])).toEqual(['get'])
  expect(document.components.schemas).not.toHaveProperty('TagCreate')
})

test('a bulk request has at most as many items as the resource takes', () => {
  const document = documentOf(blog({ tags: { bulk: { max: 7 } } }))
  const body = (method: string): Json => document.paths['/api/tags'][method].requestBody.content['application/json'].schema
  expect(body('post').oneOf[1].maxItems).toBe(7)
  expect(body('patch').maxItems).toBe(7)
  expect(body('delete').maxItems).toBe(7)
})

test('records that a hook shapes are described as anything', () => {
  const document = documentOf(blog({ tags: { hooks: { serialize: () => 'x' } } }))
  expect(document.components.schemas.Tag.properties).toBeUndefined()
  expect(document.paths['/api/tags'].get.responses[200].content['application/json'].examples).toBeUndefined()
})

test('resources whose singulars are alike get schemas of their own', () => {
  const open = { access: { read: anyone, write: anyone } }
  const one = pgTable('person', { id: serial().primaryKey(), name: text() })
  const many = pgTable('people', { id: serial().primaryKey(), age: integer() })
  const errors = pgTable('errors', { id: serial().primaryKey(), what: text() })
  const document = documentOf(
    defineApp({ name: 'twins', resources: [defineResource(one, open), defineResource(many, open), defineResource(errors, open)] }),
  )
  expect(document.components.schemas.Person.properties).toHaveProperty('name')
  expect(document.components.schemas.People.properties).toHaveProperty('age')
  expect(document.components.schemas.Errors.properties).toHaveProperty('what')
  expect(document.components.schemas.Error.properties).toHaveProperty('code')
})

test('json that must have a value does not accept null', () => {
  const notes = pgTable('notes', { id: serial().primaryKey(), content: json().notNull() })
  const document = documentOf(defineApp({ name: 'notes', resources: [defineResource(notes, { access: { write: anyone } })] }))
  const { fits } = compileDocument(document)
  const body = '#/components/schemas/NoteCreate'
  expect(fits(body, { content: { any: 'thing' } })).toEqual([])
  expect(fits(body, { content: null })).not.toEqual([])
})

test('custom routes are described by their schemas', () => {
  const greeting = documentOf(blog(), { customRoutes: [hello, { method: 'GET', url: '/hidden', schema: { hide: true } }] })
  expect(greeting.paths['/hello/{name}'].post).toMatchObject({
    operationId: 'postHelloName',
    summary: 'Greet',
    tags: ['custom'],
    parameters: [
      { name: 'name', in: 'path', required: true },
      { name: 'loud', in: 'query', schema: { type: 'boolean' } },
    ],
    requestBody: { content: { 'application/json': { schema: { type: 'object' } } } },
  })
  expect(greeting.paths).not.toHaveProperty('/hidden')
})

test('a tag that several things share is described once', () => {
  const tables = pgTable('system', { id: serial().primaryKey() })
  const resources = [defineResource(tables, { access: { read: anyone } })]
  const { tags } = documentOf(defineApp({ name: 'twins', resources }), { customRoutes: [hello, { ...hello, url: '/again' }] })
  expect(tags.map(({ name }: Json) => name)).toEqual(['system', 'custom'])
})

test('schemas that custom routes share become components', () => {
  const route = { method: 'GET', url: '/weather', schema: { response: { 200: { $ref: 'Weather#' } } } }
  const document = documentOf(blog(), { customRoutes: [route], customSchemas: { Weather: { $id: 'Weather', type: 'object' } } })
  expect(document.paths['/weather'].get.responses[200].content['application/json'].schema).toEqual({ $ref: '#/components/schemas/Weather' })
  expect(document.components.schemas.Weather).toEqual({ type: 'object' })
})

test('each operation says whether somebody has to be signed in, and how others are refused', () => {
  const notes = pgTable('notes', { id: serial().primaryKey(), line: text() })
  const guarded = defineApp({
    name: 'guarded',
    resources: [
      defineResource(notes, {
        access: {
          list: anyone,
          get: any(
            owner('id'),
            where(() => true),
          ),
          create: signedIn,
          delete: role('editor'),
        },
      }),
    ],
  })
  const document = documentOf(guarded)
  const { '/api/notes': all, '/api/notes/{id}': one } = document.paths
  expect(document.components.securitySchemes).toEqual({ bearer: { type: 'http', scheme: 'bearer' } })
  expect(all.post.security).toEqual([{ bearer: [] }])
  expect(one.delete.security).toEqual([{ bearer: [] }])
  expect(one.get.security).toEqual([{}, { bearer: [] }])
  expect(Object.keys(all.post.responses)).toEqual(expect.arrayContaining(['401', '403']))
  expect(Object.keys(documentOf(blog()).paths['/api/tags'].post.responses)).not.toContain('401')
  expect(documentOf(blog()).components.securitySchemes).toBeUndefined()
})

test('an operation that is closed to some who have signed in says so, also when it is open to who has not', () => {
  const notes = pgTable('notes', { id: serial().primaryKey(), line: text() })
  const others = not(role('guest'))
  const documented = (access: Parameters<typeof defineResource<typeof notes>>[1]['access']): Json =>
    documentOf(defineApp({ name: 'guarded', resources: [defineResource(notes, { access })] })).paths
  const refusing = (paths: Json): string[] =>
    operationsOf({ paths }).filter((name) => {
      const [method = '', path = ''] = name.split(' ')
      const { responses, security } = paths[path][method.toLowerCase()]
      return '401' in responses && '403' in responses && security?.length === 2
    })
  const all = ['GET', 'POST', 'PATCH', 'DELETE'].map((method) => `${method} /api/notes`)
  const one = ['GET', 'PUT', 'PATCH', 'DELETE'].map((method) => `${method} /api/notes/{id}`)
  expect(refusing(documented({ read: others, write: others }))).toEqual([...all, ...one])
  expect(refusing(documented({ read: anyone, write: any(others, anyone) }))).toEqual([])
  // Whoever changes a record has to see it, and a new one they have written.
  expect(refusing(documented({ list: anyone, get: others, write: anyone }))).toEqual(['PATCH /api/notes', 'DELETE /api/notes', ...one])
  expect(refusing(documented({ list: others, write: anyone }))).toEqual([
    'GET /api/notes',
    'PATCH /api/notes',
    'DELETE /api/notes',
    ...one.slice(1),
  ])
})
