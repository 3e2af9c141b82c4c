// `/docs`: the reference page. Everything on it comes from the application, and its policy lets the browser fetch nothing else.

import { anonymousCaller, type Caller } from '../core/caller.ts'
import { httpErrors } from '../http/errors.ts'
import type { HttpReply, HttpRequest, Route } from '../http/route.ts'
import { type DocsAssets, readAssets } from './docs-assets.ts'

export interface DocumentedApp {
  readonly name: string
  readonly version: string
  /** Public address; requests tried on the page may go there too. */
  readonly serverUrl?: string
}

const folder = '/docs/assets'
/** Names change with the content, so a browser need not ask again. */
const forever = 'public, max-age=31536000, immutable'

/** `GET /docs` and the files it loads. They are read by the first request, so that a start does not wait for them. */
export function docsRoutes(app: DocumentedApp): readonly Route[] {
  let reading: Promise<DocsAssets> | undefined
  const assets = (): Promise<DocsAssets> => {
    reading ??= readAssets(folder).catch((error: unknown) => {
      reading = undefined
      throw error
    })
    return reading
  }
  return [
    {
      method: 'GET',
      url: '/docs',
      answers: 'reference page',
      handler: async (request, reply) => sendPage(request, reply, app, await assets()),
    },
    {
      method: 'GET',
      url: `${folder}/:file`,
      answers: 'reference page',
      handler: async (request, reply) => sendAsset(request, reply, await assets()),
    },
  ]
}

/** The page is told whether somebody has signed in: asking for it as nobody would be one more request that is denied. */
function sendPage({ exchange }: HttpRequest, reply: HttpReply, app: DocumentedApp, assets: DocsAssets): HttpReply {
  const { kind } = exchange?.caller ?? anonymousCaller
  reply.header('content-security-policy', contentPolicy(app.serverUrl)).header('cache-control', 'no-store')
  return reply.type('text/html; charset=utf-8').send(pageHtml(app, assets, kind))
}

function sendAsset(request: HttpRequest, reply: HttpReply, { byName }: DocsAssets): HttpReply {
  const asset = byName.get((request.params as { readonly file: string }).file)
  if (asset === undefined) throw httpErrors.NOT_FOUND()
  reply.type(asset.type).header('cache-control', forever).header('vary', 'accept-encoding')
  return acceptsGzip(request) ? reply.header('content-encoding', 'gzip').send(asset.gzipped) : reply.send(asset.plain)
}

function acceptsGzip({ headers }: HttpRequest): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(headers['accept-encoding'] ?? '')
}

/** No inline script, no inline style, no other host but the one that the document itself names as the server. */
function contentPolicy(serverUrl: string | undefined): string {
  const server = serverUrl === undefined ? '' : ` ${new URL(serverUrl).origin}`
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self'${server}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

function pageHtml({ name, version }: DocumentedApp, { paths }: DocsAssets, caller: Caller['kind']): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(name)} API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${paths['swagger-ui.css']}">
<link rel="stylesheet" href="${paths['page.css']}">
<script defer src="${paths['swagger-ui-bundle.js']}"></script>
<script type="module" src="${paths['page.js']}"></script>
</head>
<body data-description="/openapi.json" data-caller="${caller}">
<nav class="sidebar" aria-label="Operations">
<h1>${escapeHtml(name)}</h1>
<p>${escapeHtml(version)} · <a href="/openapi.json">openapi.json</a></p>
<div id="account"></div>
<input id="search" type="search" placeholder="Find an operation" aria-label="Find an operation">
<div id="contents"></div>
</nav>
<main id="reference"><noscript>This page needs JavaScript. The description itself is at /openapi.json.</noscript></main>
</body>
</html>
`
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? character)
}
