// `/dev/mail`: the mails that were kept instead of sent, for whoever develops the application. Never in production.

import type { FastifyInstance } from 'fastify'
import type { Config } from '../core/config.ts'
import type { KeptMail, Mailer } from '../mail/mailer.ts'
import { escapeHtml } from '../mail/message.ts'

export function addMailDesk(fastify: FastifyInstance, mailer: Mailer, { env, mail }: Config): void {
  if (env === 'production' || mail.url !== undefined) return
  fastify.route({
    method: 'GET',
    url: '/dev/mail',
    schema: { hide: true },
    config: { quiet: true },
    handler: (_request, reply) =>
      reply
        .type('text/html; charset=utf-8')
        .header('cache-control', 'no-store')
        .header('content-security-policy', "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
        .send(page(mailer.kept)),
  })
}

function page(mails: readonly KeptMail[]): string {
  const list = mails.length === 0 ? '<p>No mail yet.</p>' : mails.map(article).join('\n')
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Mail</title></head>
<body>
<h1>Mail</h1>
${list}
</body>
</html>
`
}

/** Links are made to work: that is what the page is for. */
function article({ to, subject, text, at }: KeptMail): string {
  const linked = escapeHtml(text).replaceAll(/https?:\/\/[^\s<]+/g, (url) => `<a href="${url}">${url}</a>`)
  return `<article><h2>${escapeHtml(subject)}</h2><p>${escapeHtml(to)}, <time>${at.toISOString()}</time></p><pre>${linked}</pre></article>`
}
