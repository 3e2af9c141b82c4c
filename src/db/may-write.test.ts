import { expect, test } from 'vitest'
import { mayWrite } from './may-write.ts'

test.each(['select 1', '  SELECT * from items', 'with a as (select 1) select * from a', 'show timezone', 'values (1)', 'table items'])(
  '"%s" only reads',
  (text) => expect(mayWrite(text)).toBe(false),
)

test.each([
  'update items set price = 1',
  'insert into items default values',
  'with gone as (delete from items returning id) select * from gone',
  'with a as (select 1) insert into items select * from a',
  'explain analyze delete from items',
  'select * into copies from items',
  'truncate items',
  'call tidy()',
  'do $$ begin perform 1; end $$',
  'copy items from stdin',
  'select 1; delete from items',
  '/* a note */ select 1',
  '',
])('"%s" may write', (text) => expect(mayWrite(text)).toBe(true))
