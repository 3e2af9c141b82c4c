import { expect, test } from 'vitest'
import { leavesTraces } from './leaves-traces.ts'

test.each([
  'create temp table t as select 1',
  'CREATE GLOBAL TEMPORARY TABLE t (id int)',
  'create or replace temp view v as select 1',
  'select * into temp t from notes',
  'create table pg_temp.t (id int)',
  'declare c cursor with hold for select 1',
  'set role none',
  ' SET SESSION AUTHORIZATION bob',
  'select 1; set local role bob',
  'reset role',
  `select set_config('role', 'none', false)`,
])('%s leaves something', (text) => expect(leavesTraces(text)).toBe(true))

test.each([
  `update members set role = 'owner'`,
  'select role, temp from readings order by temp',
  'insert into temp values (1)',
  'create table t (id int)',
  'declare c cursor for select 1',
  'set local statement_timeout = 0',
  `select set_config('app.role', 'x', true)`,
])('%s leaves nothing', (text) => expect(leavesTraces(text)).toBe(false))
