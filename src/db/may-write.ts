// Whether a SQL text may change data. For those who want to know of writes: a false alarm costs them little, a miss much.

/**
 * True unless the text begins as a read and has no word of a write in it. What a function does that a SELECT calls, the text does not tell.
 *
 * @example  `mayWrite('select 1')` is false, `mayWrite('with gone as (delete from items returning id) select * from gone')` is true
 */
export function mayWrite(text: string): boolean {
  return (
    !/^\s*(?:select|show|explain|with|table|values)\b/i.test(text) || /\b(?:insert|update|delete|merge|truncate|into|call)\b/i.test(text)
  )
}
