import { expect, test } from 'vitest'
import { generateResource } from '../generate-resource.ts'
import { parseColumns } from './field-words.ts'

test('a word says the column, ? that it may be null, unique that it is', () => {
  const [title, code, author] = parseColumns(['title', 'code:string?:unique', 'author:references?'])
  expect(title).toMatchObject({ name: 'title', call: 'varchar({ length: 255 })', nullable: false, unique: false, searchable: true })
  expect(code).toMatchObject({ nullable: true, unique: true })
  expect(author).toMatchObject({ name: 'author_id', references: 'authors', nullable: true })
  expect(parseColumns(['editor_id:references:people'])).toMatchObject([{ name: 'editor_id', references: 'people' }])
})

test.each([
  [['ink:strng'], 'ink:strng: "strng" is not a type. Perhaps you meant "string".'],
  [['ink:'], 'ink:: "" is not a type. There is string, text, integer,'],
  [['ink:string:uniqe'], '"uniqe" is not known after a type. Perhaps you meant "unique".'],
  [['Ink'], '"Ink" is not a field name.'],
  [['id:integer'], 'Every model has the field "id"; leave it out.'],
  [['ink', 'ink:text'], 'There are two fields "ink".'],
])('%j is refused', (fields, message) => {
  expect(() => parseColumns(fields)).toThrow(message)
})

test.each(['Pen', 'blue pen', '../pen', '1pen', 'timestamp'])('"%s" cannot be the name of a resource', async (name) => {
  await expect(generateResource(name, [], false)).rejects.toThrow('cannot be the name of a resource')
})
