// Names and values as SQL text, in the kit's way: always quoted, `public` left out.

/** `posts` → `"posts"` */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** `shop`, `posts` → `"shop"."posts"`; `public`, `posts` → `"posts"` */
export function quotePath(schema: string, name: string): string {
  return schema === 'public' ? quoteName(name) : `${quoteName(schema)}.${quoteName(name)}`
}

/** `it's` → `'it''s'`; a backslash stays what it is (standard_conforming_strings is on). */
export function quoteLiteral(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}
