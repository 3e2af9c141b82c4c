import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { splitStatements } from './split.ts'

const sqls = (source: string): string[] => splitStatements(source).map(({ sql }) => sql)

describe('a file is cut at semicolons, but not inside', () => {
  test.each([
    ['strings', `INSERT INTO t VALUES ('a;b', 'it''s; fine')`],
    ['escape strings', String.raw`SELECT E'\'; still a string'`],
    ['strings that end with a backslash', String.raw`SELECT 'c:\', 'x;y'`],
    ['quoted names', `CREATE TABLE "odd;""name" (id int)`],
    ['dollar quotes', `DO $$ BEGIN RAISE NOTICE 'a;b'; END $$`],
    ['named dollar quotes', `CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $body$ SELECT '$$;'; $body$`],
    ['comments', `SELECT 1 -- one; two\n, 2`],
    ['nested comments', `SELECT /* a; /* b; */ c; */ 1`],
    ['parentheses', `CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)`],
    ['SQL bodies', `CREATE OR REPLACE FUNCTION f(a int) RETURNS int BEGIN ATOMIC SELECT CASE a WHEN 1 THEN 2 END; SELECT a; END`],
    ['procedures', `CREATE PROCEDURE p() BEGIN ATOMIC INSERT INTO t VALUES (1); END`],
  ])('%s', (_, statement) => {
    expect(sqls(`${statement};\nSELECT 2;`)).toEqual([statement, 'SELECT 2'])
  })
})

test('a parameter or an operator with a dollar does not begin a dollar quote', () => {
  expect(sqls('SELECT $1; SELECT a$b$c; SELECT 3')).toEqual(['SELECT $1', 'SELECT a$b$c', 'SELECT 3'])
})

test('an identifier that ends in e before a string is not an escape string', () => {
  expect(sqls(String.raw`SELECT date '\'; SELECT 2`)).toEqual([String.raw`SELECT date '\'`, 'SELECT 2'])
})

test('comments and empty statements are not statements', () => {
  expect(sqls('-- nothing here;\n;;/* nor; here */ ;\n')).toEqual([])
})

test('a statement knows its number, line and first line behind comments', () => {
  const source = '-- header\n\nSELECT 1;\n\n-- why\n/* really */\nALTER TABLE posts\n  ADD COLUMN x int;'
  expect(splitStatements(source).map(({ number, line, firstLine }) => ({ number, line, firstLine }))).toEqual([
    { number: 1, line: 3, firstLine: 'SELECT 1' },
    { number: 2, line: 7, firstLine: 'ALTER TABLE posts' },
  ])
})

test('the first words are told in upper case, without comments', () => {
  expect(splitStatements('create /* x */ index\nconcurrently i ON t (a)')[0]?.keywords).toBe('CREATE INDEX CONCURRENTLY I ON')
})

test('BEGIN of a transaction does not swallow what follows', () => {
  expect(sqls('BEGIN; SELECT 1; END; SELECT CASE WHEN true THEN 1 END; SELECT 2')).toHaveLength(5)
})

test('an open quote ends the file, not the process', () => {
  expect(sqls(`SELECT 1; SELECT 'open; SELECT 2`)).toEqual(['SELECT 1', `SELECT 'open; SELECT 2`])
  expect(sqls('SELECT 1; SELECT $x$ open; SELECT 2')).toHaveLength(2)
  expect(sqls('SELECT 1; /* open; SELECT 2')).toEqual(['SELECT 1'])
})

test('joining any statements with semicolons and splitting them gives them back', () => {
  const piece = fc.constantFrom(`'a;b'`, '"q;x"', '$t$;$t$', '/*;*/', 'word', '1.5', '(;)', `E'\\';'`, '+', '$1')
  const statement = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => `SELECT ${pieces.join(' ')}`)
  fc.assert(
    fc.property(fc.array(statement, { maxLength: 6 }), (statements) => {
      expect(sqls(statements.join(';\n'))).toEqual(statements)
    }),
  )
})

test('ten times the file takes about ten times as long', () => {
  const fastest = (count: number): number => {
    const source = Array.from({ length: count }, (_, index) => `INSERT INTO t VALUES (${index}, 'some text; more');`).join('\n')
    const runs = Array.from({ length: 3 }, () => {
      const start = performance.now()
      expect(splitStatements(source)).toHaveLength(count)
      return performance.now() - start
    })
    return Math.min(...runs)
  }
  fastest(1_000) // compiles it
  expect(fastest(20_000) / fastest(2_000)).toBeLessThan(40)
})
