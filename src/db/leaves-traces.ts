// Whether a SQL text may leave something on its connection that outlives its transaction: rows of its tenant, or another role.

const role = String.raw`(?:^|;)\s*(?:re)?set\s+(?:session\s+|local\s+)?(?:role|session\s+authorization)\b`
const setting = String.raw`\bset_config\s*\(\s*'(?:role|session_authorization)'`
const table = String.raw`\b(?:create|or\s+replace|(?<!insert\s+)into)\s+(?:global\s+|local\s+)?temp(?:orary)?\b|\bpg_temp\b`
const cursor = String.raw`\bwith\s+hold\b`

const traces = new RegExp([role, setting, table, cursor].join('|'), 'i')

/**
 * True where the text says so. What a function or a DO block does, the text does not tell.
 *
 * @example  `leavesTraces('create temp table t as select 1')` is true, `leavesTraces("update users set role = 'chief'")` is false
 */
export function leavesTraces(text: string): boolean {
  return traces.test(text)
}
