// `?explain` in development: the SQL of a list and how PostgreSQL would run it, instead of the records.

import type { HttpReply } from '../http/route.ts'
import type { Sight } from '../resource/access/sights.ts'
import { type Engine, prepareList, statementsOf } from '../resource/run.ts'
import { readListQuery } from './read-query.ts'

export function wantsExplanation(query: string): boolean {
  return query.split('&').some(isExplain)
}

function isExplain(part: string): boolean {
  return part === 'explain' || part === 'explain='
}

/** The first statement is planned with the request's values; those of includes depend on the rows it would find. */
export async function explainList(engine: Engine, { resource, held }: Sight, query: string, reply: HttpReply): Promise<HttpReply> {
  const rest = query
    .split('&')
    .filter((part) => !isExplain(part))
    .join('&')
  const [first, ...includes] = statementsOf(prepareList(engine, resource, readListQuery(rest)), held)
  if (first === undefined) throw new Error('A prepared list has at least one statement.')
  const lines = await engine.db.query<{ 'QUERY PLAN': string }>(`explain ${first.text}`, first.values)
  const explained = { sql: first.text, values: first.values, plan: lines.map((line) => line['QUERY PLAN']) }
  return reply.send({ statements: [explained, ...includes.map(({ text }) => ({ sql: text }))] })
}
