// What the document says of records that belong to tenants.

import { expect, test } from 'vitest'
import { tenancy } from '../../test/support/tenancy.ts'
import { readRegistry } from '../app/create.ts'
import { openapiDocument } from './openapi.ts'
import { securitySchemes } from './openapi-security.ts'
import { replyFormats } from './reply-format.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- a test looks into a document whose shape it is about to check
type Json = any

const registry = readRegistry(tenancy)
const described = {
  name: 'x',
  version: '1',
  prefix: '/api',
  format: replyFormats.envelope,
  registry,
  securitySchemes: securitySchemes(false),
}
const document = openapiDocument({ ...described, hasTenants: true }) as Json
const header = { $ref: '#/components/parameters/Tenant' }

function operations(resource: string): Json[] {
  const paths = Object.entries<Json>(document.paths).filter(([path]) => path === `/api/${resource}` || path.startsWith(`/api/${resource}/`))
  return paths.flatMap(([, item]) => ['get', 'post', 'put', 'patch', 'delete'].flatMap((method) => item[method] ?? []))
}

test('every operation of a resource of tenants takes the header that names one, and no other does', () => {
  expect(operations('notes')).toHaveLength(9)
  for (const operation of operations('notes')) expect(operation.parameters, operation.operationId).toContainEqual(header)
  for (const operation of operations('comments')) expect(operation.parameters, operation.operationId).not.toContainEqual(header)
  expect(document.components.parameters.Tenant).toMatchObject({ name: 'X-Tenant', in: 'header' })
})

test('where requests name no tenant the header is not there', () => {
  expect(JSON.stringify(openapiDocument(described))).not.toContain('"X-Tenant"')
})

test('what is open to anyone asks who they are all the same, and for the scope of a key', () => {
  for (const operation of operations('notes')) {
    expect(operation.security, operation.operationId).not.toContainEqual({})
    expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['401', '403']))
  }
  expect(JSON.stringify(operations('notes')[0].security)).toContain('notes:read')
  expect(JSON.stringify(document.components.responses.Forbidden)).toContain('AUTH_TENANT_REQUIRED')
})

test('the tenant is in records, read-only, and in no body', () => {
  const { Note, NoteCreate, NoteReplace, NotePatch } = document.components.schemas
  expect(Note.properties.organization_id).toMatchObject({ readOnly: true })
  for (const body of [NoteCreate, NoteReplace, NotePatch]) expect(body.properties).not.toHaveProperty('organization_id')
  expect(NoteCreate.required).toEqual(['title'])
})
