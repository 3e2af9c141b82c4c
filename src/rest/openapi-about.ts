// The introduction of the document: what all resources have in common, said once.

import { mostConditions } from '../resource/filter.ts'
import type { Registry } from '../resource/registry.ts'
import { mostDepth } from './read-filter.ts'
import type { ReplyFormatName } from './reply-format.ts'

/** Markdown. The caller's description comes first. */
export function introduction(description: string | undefined, format: ReplyFormatName, registry: Registry): string {
  const parts = [
    description,
    registry.resources.size === 0 ? undefined : resourceText,
    registry.resources.size === 0 ? undefined : replyTexts[format],
    valuesText,
  ]
  return parts.filter((part) => part !== undefined && part !== '').join('\n\n')
}

const resourceText = `## Lists

- **Filter**: \`filter[price][gte]=10\`. Without an operator \`eq\` is meant. \`in\`, \`nin\` and \`between\` take values separated by commas; a backslash before a comma makes it part of a value.
- **Filter through relations**: \`filter[author.country]=SE\`, and \`filter[comments][null]=true\` for records without any.
- **Groups**: \`filter[or][0][price][lt]=5&filter[or][1][name][starts]=A\`; \`and\` likewise, up to ${mostDepth} deep. Conditions outside of groups all hold. One request has at most ${mostConditions} conditions.
- **Sort**: \`sort=-created_at,name\`, also behind relations that lead to one record: \`sort=author.name\`.
- **Pages**: \`page[size]\` with \`page[after]\`, the \`next\` of the page before, which neither skips nor repeats records while others write; or with \`page[number]\`. \`count=exact\` adds the total.
- **Fields and relations**: \`fields=id,name\`, \`include=author.country\`, \`fields[author]=name\`.

Names are exact: an unknown parameter, field or relation is refused, with the nearest right name.`

const replyTexts: Readonly<Record<ReplyFormatName, string>> = {
  envelope: `## Replies

\`{"success": true, "data": …, "meta": {…}}\`; \`meta.page\` says where a page is in its list. Refusals: \`{"success": false, "data": null, "error": "message", "code": "…", "details": […]}\`.`,
  bare: `## Replies

The record or the list itself. \`X-Pagination\`, \`X-Total-Count\` and \`Link\` say where a page is in its list. Refusals: \`{"message": "…", "status": 404, "code": "…", "details": […]}\`.`,
  problem: `## Replies

The record or the list itself. \`X-Pagination\`, \`X-Total-Count\` and \`Link\` say where a page is in its list. Refusals are problem details (RFC 9457) with a \`code\`.`,
}

const valuesText = `## Values

Times are in UTC. Numbers that JavaScript would round (\`bigint\`, \`numeric\`) are strings; a body may also have a JSON number there, as long as none of its digits can be lost. Reads have an \`ETag\`: send it as \`If-None-Match\` to get 304, or as \`If-Match\` with a change to get 412 when somebody else was faster.`
