// An OpenAPI document with its schemas compiled: what an example, or a reply that was received, has to fit.

import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

// oxlint-disable-next-line typescript/no-explicit-any -- documents are walked without types
type Json = any

export interface CompiledDocument {
  /** Every example with the JSON pointer of the schema it stands beside: `#/paths/…/schema`. */
  readonly examples: readonly { readonly pointer: string; readonly value: unknown }[]
  /** What is wrong with a value, one sentence each. */
  fits(pointer: string, value: unknown): string[]
  /** The schema of a reply's body; undefined when the document has no such reply or it has no body. */
  replySchema(method: string, path: string, status: number): string | undefined
}

export function compileDocument(document: object): CompiledDocument {
  const ajv = new Ajv2020({ strict: false, allErrors: true, logger: false })
  addFormats.default(ajv)
  ajv.addSchema({ ...document, $id: 'document' })
  return {
    examples: examplesIn(document, '#'),
    fits(pointer, value) {
      const validate = ajv.getSchema(`document${pointer}`)
      if (validate === undefined) throw new Error(`The document has no schema at ${pointer}.`)
      return validate(value) === true ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
    },
    replySchema: (method, path, status) => replySchema(document, method, path, status),
  }
}

function examplesIn(value: Json, pointer: string): { pointer: string; value: unknown }[] {
  if (typeof value !== 'object' || value === null) return []
  const schema = `${pointer}/schema`
  const named =
    value.schema !== undefined && typeof value.examples === 'object' ? Object.values(value.examples as Record<string, Json>) : []
  const own = value.schema !== undefined && value.example !== undefined ? [{ pointer: schema, value: value.example }] : []
  const ofProperty =
    value.schema === undefined && Array.isArray(value.examples) ? value.examples.map((item: unknown) => ({ pointer, value: item })) : []
  const inner = Object.entries(value)
    .filter(([key]) => key !== 'examples' && key !== 'example')
    .flatMap(([key, child]) => examplesIn(child, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`))
  return [...named.map((item) => ({ pointer: schema, value: item.value })), ...own, ...ofProperty, ...inner]
}

function replySchema(document: Json, method: string, path: string, status: number): string | undefined {
  const escaped = path.replaceAll('/', '~1')
  const replies = document.paths[path]?.[method.toLowerCase()]?.responses
  const found = replies?.[status] === undefined ? 'default' : String(status)
  const reply = replies?.[found]
  const shared = reply?.$ref === undefined ? undefined : (reply.$ref as string)
  const at = shared ?? `#/paths/${escaped}/${method.toLowerCase()}/responses/${found}`
  const content = shared === undefined ? reply?.content : document.components.responses[shared.split('/').at(-1) ?? '']?.content
  const [type] = Object.keys(content ?? {})
  return type === undefined ? undefined : `${at}/content/${type.replaceAll('/', '~1')}/schema`
}
